-- Periods that were settled without a document are few, and asked for by contract whenever late facts may change a bill.
CREATE INDEX draft_unbilled ON billing.draft (contract) WHERE findings @> '[{"code": "nothing_to_bill"}]';
