RELATION api.answered
    actor text NOT NULL
    key text NOT NULL
    fingerprint text NOT NULL
    answer jsonb
    at timestamp with time zone NOT NULL
    CONSTRAINT answered_key_check CHECK (((length(key) >= 1) AND (length(key) <= 200)))
    CONSTRAINT answered_pkey PRIMARY KEY (actor, key)
    CREATE INDEX answered_at ON api.answered USING btree (at)
    GRANT DELETE, INSERT, SELECT TO yardstick_api
    GRANT SELECT TO yardstick_worker

RELATION api.key
    id integer NOT NULL GENERATED ALWAYS AS IDENTITY
    public_id text NOT NULL
    name text NOT NULL
    secret_hash text NOT NULL
    role text NOT NULL
    party integer NOT NULL
    created_at timestamp with time zone NOT NULL
    expires_at timestamp with time zone
    revoked_at timestamp with time zone
    made_by text
    CONSTRAINT key_made_by_check CHECK ((made_by ~~ 'person:_%'::text))
    CONSTRAINT key_party_fkey FOREIGN KEY (party) REFERENCES contracts.party(id)
    CONSTRAINT key_pkey PRIMARY KEY (id)
    CONSTRAINT key_public_id_key UNIQUE (public_id)
    CONSTRAINT key_role_check CHECK ((role = ANY (ARRAY['customer'::text, 'finance'::text, 'partner'::text, 'operator'::text, 'device_manager'::text])))
    CONSTRAINT key_secret_hash_key UNIQUE (secret_hash)
    GRANT INSERT, SELECT TO yardstick_worker
    GRANT SELECT TO yardstick_api

RELATION api.person
    id integer NOT NULL GENERATED ALWAYS AS IDENTITY
    public_id text NOT NULL
    name text NOT NULL
    title text NOT NULL
    role text NOT NULL
    party integer NOT NULL
    password_hash text NOT NULL
    created_at timestamp with time zone NOT NULL
    disabled_at timestamp with time zone
    language text
    CONSTRAINT person_language_check CHECK ((language = ANY (ARRAY['en'::text, 'de'::text, 'fr'::text])))
    CONSTRAINT person_name_key UNIQUE (name)
    CONSTRAINT person_party_fkey FOREIGN KEY (party) REFERENCES contracts.party(id)
    CONSTRAINT person_pkey PRIMARY KEY (id)
    CONSTRAINT person_public_id_key UNIQUE (public_id)
    CONSTRAINT person_role_check CHECK ((role = ANY (ARRAY['customer'::text, 'finance'::text, 'partner'::text, 'operator'::text, 'device_manager'::text])))
    GRANT INSERT, SELECT TO yardstick_worker
    GRANT SELECT TO yardstick_api

RELATION api.refusal
    id bigint NOT NULL GENERATED ALWAYS AS IDENTITY
    name_hash text NOT NULL
    address text NOT NULL
    at timestamp with time zone NOT NULL
    CONSTRAINT refusal_pkey PRIMARY KEY (id)
    CREATE INDEX refusal_address ON api.refusal USING btree (address, at)
    GRANT DELETE, INSERT, SELECT TO yardstick_api
    GRANT SELECT TO yardstick_worker

RELATION api.session
    token_hash text NOT NULL
    person integer NOT NULL
    csrf text NOT NULL
    created_at timestamp with time zone NOT NULL
    expires_at timestamp with time zone NOT NULL
    CONSTRAINT session_person_fkey FOREIGN KEY (person) REFERENCES api.person(id)
    CONSTRAINT session_pkey PRIMARY KEY (token_hash)
    CREATE INDEX session_expired ON api.session USING btree (expires_at)
    GRANT DELETE, INSERT, SELECT TO yardstick_api
    GRANT SELECT TO yardstick_worker

RELATION billing.account
    party integer NOT NULL
    name text NOT NULL
    address text NOT NULL
    country text NOT NULL
    vat_id text NOT NULL DEFAULT ''::text
    payment_days integer NOT NULL DEFAULT 30
    purchase_order text NOT NULL DEFAULT ''::text
    language text NOT NULL DEFAULT 'en'::text
    consolidate jsonb NOT NULL DEFAULT 'false'::jsonb
    purchase_order_required boolean NOT NULL DEFAULT false
    direct_debit boolean NOT NULL DEFAULT false
    mandate text NOT NULL DEFAULT ''::text
    public_buyer boolean NOT NULL DEFAULT false
    leitweg_id text NOT NULL DEFAULT ''::text
    CONSTRAINT account_country_check CHECK ((country ~ '^[A-Z]{2}$'::text))
    CONSTRAINT account_language_check CHECK ((language = ANY (ARRAY['en'::text, 'de'::text, 'fr'::text])))
    CONSTRAINT account_party_fkey FOREIGN KEY (party) REFERENCES contracts.party(id)
    CONSTRAINT account_payment_days_check CHECK ((payment_days >= 0))
    CONSTRAINT account_pkey PRIMARY KEY (party)
    ROW LEVEL SECURITY FORCED
    POLICY api FOR r TO yardstick_api USING ((party = visible.party()) OR (party IN ( SELECT contract_party.party FROM contracts.contract_party)))
    POLICY worker FOR * TO yardstick_visible, yardstick_worker USING true WITH CHECK true
    GRANT INSERT, SELECT, UPDATE TO yardstick_worker
    GRANT SELECT TO yardstick_api

RELATION billing.accrual
    entity integer NOT NULL
    label text NOT NULL
    contract integer NOT NULL
    entry bigint NOT NULL
    reversal bigint NOT NULL
    currency text NOT NULL
    net numeric NOT NULL
    known bigint NOT NULL
    result_hash text NOT NULL
    by text NOT NULL
    at timestamp with time zone NOT NULL
    CONSTRAINT accrual_by_check CHECK ((by <> ''::text))
    CONSTRAINT accrual_contract_fkey FOREIGN KEY (contract) REFERENCES contracts.contract(id)
    CONSTRAINT accrual_entity_fkey FOREIGN KEY (entity) REFERENCES billing.entity(id)
    CONSTRAINT accrual_pkey PRIMARY KEY (entity, label, contract)
    CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON billing.accrual FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change()
    ROW LEVEL SECURITY FORCED
    POLICY api FOR r TO yardstick_api USING (visible.reads_money() AND (entity IN ( SELECT entity.id FROM billing.entity WHERE (entity.party = visible.party()))))
    POLICY worker FOR * TO yardstick_visible, yardstick_worker USING true WITH CHECK true
    GRANT INSERT, SELECT TO yardstick_worker
    GRANT SELECT TO yardstick_api

RELATION billing.application
    id bigint NOT NULL GENERATED ALWAYS AS IDENTITY
    source bigint NOT NULL
    target bigint NOT NULL
    amount numeric NOT NULL
    reverses bigint
    reason text NOT NULL
    by text NOT NULL
    at timestamp with time zone NOT NULL
    CONSTRAINT application_amount_check CHECK ((amount <> (0)::numeric))
    CONSTRAINT application_by_check CHECK ((by <> ''::text))
    CONSTRAINT application_check CHECK ((target <> source))
    CONSTRAINT application_check1 CHECK (((amount < (0)::numeric) = (reverses IS NOT NULL)))
    CONSTRAINT application_pkey PRIMARY KEY (id)
    CONSTRAINT application_reverses_fkey FOREIGN KEY (reverses) REFERENCES billing.application(id)
    CONSTRAINT application_reverses_key UNIQUE (reverses)
    CONSTRAINT application_source_fkey FOREIGN KEY (source) REFERENCES billing.invoice(id)
    CONSTRAINT application_target_fkey FOREIGN KEY (target) REFERENCES billing.invoice(id)
    CREATE INDEX application_source ON billing.application USING btree (source)
    CREATE INDEX application_target ON billing.application USING btree (target)
    CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON billing.application FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change()
    ROW LEVEL SECURITY FORCED
    POLICY api FOR r TO yardstick_api USING (target IN ( SELECT invoice.id FROM billing.invoice))
    POLICY worker FOR * TO yardstick_visible, yardstick_worker USING true WITH CHECK true
    GRANT INSERT, SELECT TO yardstick_worker
    GRANT SELECT TO yardstick_api

RELATION billing.bank_return
    id bigint NOT NULL GENERATED ALWAYS AS IDENTITY
    public_id text NOT NULL
    entity integer NOT NULL
    key text NOT NULL
    returned_on date NOT NULL
    currency text NOT NULL
    amount numeric NOT NULL
    fee numeric NOT NULL
    end_to_end text NOT NULL
    reason text NOT NULL
    text text NOT NULL
    entry bigint NOT NULL
    by text NOT NULL
    at timestamp with time zone NOT NULL
    CONSTRAINT bank_return_amount_check CHECK ((amount > (0)::numeric))
    CONSTRAINT bank_return_by_check CHECK ((by <> ''::text))
    CONSTRAINT bank_return_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text))
    CONSTRAINT bank_return_entity_fkey FOREIGN KEY (entity) REFERENCES billing.entity(id)
    CONSTRAINT bank_return_entity_key_key UNIQUE (entity, key)
    CONSTRAINT bank_return_fee_check CHECK ((fee >= (0)::numeric))
    CONSTRAINT bank_return_key_check CHECK ((key <> ''::text))
    CONSTRAINT bank_return_pkey PRIMARY KEY (id)
    CONSTRAINT bank_return_public_id_key UNIQUE (public_id)
    CREATE INDEX bank_return_entry ON billing.bank_return USING btree (entry)
    CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON billing.bank_return FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change()
    ROW LEVEL SECURITY FORCED
    POLICY api FOR r TO yardstick_api USING (visible.reads_money() AND (entity IN ( SELECT entity.id FROM billing.entity WHERE (entity.party = visible.party()))))
    POLICY worker FOR * TO yardstick_visible, yardstick_worker USING true WITH CHECK true
    GRANT INSERT, SELECT TO yardstick_worker
    GRANT SELECT TO yardstick_api

RELATION billing.bank_return_match
    bank_return bigint NOT NULL
    payment bigint NOT NULL
    by text NOT NULL
    at timestamp with time zone NOT NULL
    CONSTRAINT bank_return_match_bank_return_fkey FOREIGN KEY (bank_return) REFERENCES billing.bank_return(id)
    CONSTRAINT bank_return_match_by_check CHECK ((by <> ''::text))
    CONSTRAINT bank_return_match_payment_fkey FOREIGN KEY (payment) REFERENCES billing.payment(id)
    CONSTRAINT bank_return_match_payment_key UNIQUE (payment)
    CONSTRAINT bank_return_match_pkey PRIMARY KEY (bank_return)
    CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON billing.bank_return_match FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change()
    ROW LEVEL SECURITY FORCED
    POLICY api FOR r TO yardstick_api USING (payment IN ( SELECT payment.id FROM billing.payment))
    POLICY worker FOR * TO yardstick_visible, yardstick_worker USING true WITH CHECK true
    GRANT INSERT, SELECT TO yardstick_worker
    GRANT SELECT TO yardstick_api

RELATION billing.breach_report
    id bigint NOT NULL GENERATED ALWAYS AS IDENTITY
    public_id text NOT NULL
    breach bigint
    contract integer NOT NULL
    invoice bigint
    document jsonb NOT NULL
    content_hash text NOT NULL
    issued_at timestamp with time zone NOT NULL
    supersedes bigint
    CONSTRAINT breach_report_breach_fkey FOREIGN KEY (breach) REFERENCES contracts.breach(id)
    CONSTRAINT breach_report_breach_key UNIQUE (breach)
    CONSTRAINT breach_report_check CHECK (((breach IS NOT NULL) OR (supersedes IS NOT NULL)))
    CONSTRAINT breach_report_contract_fkey FOREIGN KEY (contract) REFERENCES contracts.contract(id)
    CONSTRAINT breach_report_invoice_fkey FOREIGN KEY (invoice) REFERENCES billing.invoice(id)
    CONSTRAINT breach_report_pkey PRIMARY KEY (id)
    CONSTRAINT breach_report_public_id_key UNIQUE (public_id)
    CONSTRAINT breach_report_supersedes_fkey FOREIGN KEY (supersedes) REFERENCES billing.breach_report(id)
    CONSTRAINT breach_report_supersedes_key UNIQUE (supersedes)
    CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON billing.breach_report FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change()
    ROW LEVEL SECURITY FORCED
    POLICY api FOR r TO yardstick_api USING (contract IN ( SELECT visible.billed_contract_ids() AS billed_contract_ids))
    POLICY worker FOR * TO yardstick_visible, yardstick_worker USING true WITH CHECK true
    GRANT INSERT, SELECT TO yardstick_worker
    GRANT SELECT TO yardstick_api

RELATION billing.carried
    contract integer NOT NULL
    label text NOT NULL
    evaluation bigint NOT NULL
    currency text NOT NULL
    net numeric NOT NULL
    reason text NOT NULL
    at timestamp with time zone NOT NULL
    CONSTRAINT carried_contract_fkey FOREIGN KEY (contract) REFERENCES contracts.contract(id)
    CONSTRAINT carried_evaluation_fkey FOREIGN KEY (evaluation) REFERENCES contracts.evaluation(id)
    CONSTRAINT carried_pkey PRIMARY KEY (contract, label, evaluation)
    CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON billing.carried FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change()
    ROW LEVEL SECURITY FORCED
    POLICY api FOR r TO yardstick_api USING (contract IN ( SELECT visible.billed_contract_ids() AS billed_contract_ids))
    POLICY worker FOR * TO yardstick_visible, yardstick_worker USING true WITH CHECK true
    GRANT INSERT, SELECT TO yardstick_worker
    GRANT SELECT TO yardstick_api

RELATION billing.charge_settlement
    id bigint NOT NULL GENERATED ALWAYS AS IDENTITY
    payment bigint NOT NULL
    letter bigint NOT NULL
    amount numeric NOT NULL
    reverses bigint
    entry bigint NOT NULL
    matched text NOT NULL
    by text NOT NULL
    at timestamp with time zone NOT NULL
    CONSTRAINT charge_settlement_amount_check CHECK ((amount <> (0)::numeric))
    CONSTRAINT charge_settlement_by_check CHECK ((by <> ''::text))
    CONSTRAINT charge_settlement_check CHECK (((amount < (0)::numeric) = (reverses IS NOT NULL)))
    CONSTRAINT charge_settlement_letter_fkey FOREIGN KEY (letter) REFERENCES billing.dunning_letter(id)
    CONSTRAINT charge_settlement_payment_fkey FOREIGN KEY (payment) REFERENCES billing.payment(id)
    CONSTRAINT charge_settlement_pkey PRIMARY KEY (id)
    CONSTRAINT charge_settlement_reverses_fkey FOREIGN KEY (reverses) REFERENCES billing.charge_settlement(id)
    CONSTRAINT charge_settlement_reverses_key UNIQUE (reverses)
    CREATE INDEX charge_settlement_entry ON billing.charge_settlement USING btree (entry)
    CREATE INDEX charge_settlement_letter ON billing.charge_settlement USING btree (letter)
    CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON billing.charge_settlement FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change()
    ROW LEVEL SECURITY FORCED
    POLICY api FOR r TO yardstick_api USING (letter IN ( SELECT dunning_letter.id FROM billing.dunning_letter))
    POLICY worker FOR * TO yardstick_visible, yardstick_worker USING true WITH CHECK true
    GRANT INSERT, SELECT TO yardstick_worker
    GRANT SELECT TO yardstick_api

RELATION billing.correction
    contract integer NOT NULL
    label text NOT NULL
    n integer NOT NULL
    kind text NOT NULL
    invoice bigint NOT NULL
    corrects bigint
    evaluation bigint NOT NULL
    currency text NOT NULL
    net numeric NOT NULL
    reason text NOT NULL
    at timestamp with time zone NOT NULL
    CONSTRAINT correction_contract_fkey FOREIGN KEY (contract) REFERENCES contracts.contract(id)
    CONSTRAINT correction_corrects_fkey FOREIGN KEY (corrects) REFERENCES billing.invoice(id)
    CONSTRAINT correction_evaluation_fkey FOREIGN KEY (evaluation) REFERENCES contracts.evaluation(id)
    CONSTRAINT correction_invoice_fkey FOREIGN KEY (invoice) REFERENCES billing.invoice(id)
    CONSTRAINT correction_kind_check CHECK ((kind = ANY (ARRAY['delta_line'::text, 'credit_note'::text, 'cancellation'::text])))
    CONSTRAINT correction_n_check CHECK ((n > 0))
    CONSTRAINT correction_of_something CHECK (((corrects IS NOT NULL) OR (kind = 'delta_line'::text)))
    CONSTRAINT correction_pkey PRIMARY KEY (contract, label, n)
    CONSTRAINT correction_reason_check CHECK ((reason <> ''::text))
    CREATE INDEX correction_invoice ON billing.correction USING btree (invoice)
    CREATE UNIQUE INDEX correction_cancellation ON billing.correction USING btree (corrects, contract) WHERE (kind = 'cancellation'::text)
    CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON billing.correction FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change()
    ROW LEVEL SECURITY FORCED
    POLICY api FOR r TO yardstick_api USING (contract IN ( SELECT visible.billed_contract_ids() AS billed_contract_ids))
    POLICY worker FOR * TO yardstick_visible, yardstick_worker USING true WITH CHECK true
    GRANT INSERT, SELECT TO yardstick_worker
    GRANT SELECT TO yardstick_api

RELATION billing.cost
    entity integer NOT NULL
    key text NOT NULL
    contract integer NOT NULL
    asset text NOT NULL
    kind text NOT NULL
    day date NOT NULL
    currency text NOT NULL
    amount numeric NOT NULL
    text text NOT NULL
    by text NOT NULL
    at timestamp with time zone NOT NULL
    CONSTRAINT cost_amount_check CHECK ((amount <> (0)::numeric))
    CONSTRAINT cost_by_check CHECK ((by <> ''::text))
    CONSTRAINT cost_contract_fkey FOREIGN KEY (contract) REFERENCES contracts.contract(id)
    CONSTRAINT cost_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text))
    CONSTRAINT cost_entity_fkey FOREIGN KEY (entity) REFERENCES billing.entity(id)
    CONSTRAINT cost_key_check CHECK ((key <> ''::text))
    CONSTRAINT cost_kind_check CHECK ((kind <> ''::text))
    CONSTRAINT cost_pkey PRIMARY KEY (entity, key)
    CREATE INDEX cost_day ON billing.cost USING btree (entity, day)
    CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON billing.cost FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change()
    ROW LEVEL SECURITY FORCED
    POLICY api FOR r TO yardstick_api USING (visible.reads_money() AND (entity IN ( SELECT entity.id FROM billing.entity WHERE (entity.party = visible.party()))))
    POLICY worker FOR * TO yardstick_visible, yardstick_worker USING true WITH CHECK true
    GRANT INSERT, SELECT TO yardstick_worker
    GRANT SELECT TO yardstick_api

RELATION billing.decision
    proposal bigint NOT NULL
    proposed_by text NOT NULL
    approved boolean NOT NULL
    reason text NOT NULL
    outcome jsonb NOT NULL
    by text NOT NULL
    at timestamp with time zone NOT NULL
    CONSTRAINT decision_by_check CHECK ((by <> ''::text))
    CONSTRAINT decision_check CHECK ((approved OR (reason <> ''::text)))
    CONSTRAINT decision_check1 CHECK (((NOT approved) OR (split_part(by, ' via '::text, 1) <> split_part(proposed_by, ' via '::text, 1))))
    CONSTRAINT decision_pkey PRIMARY KEY (proposal)
    CONSTRAINT decision_proposal_proposed_by_fkey FOREIGN KEY (proposal, proposed_by) REFERENCES billing.proposal(id, by)
    CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON billing.decision FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change()
    ROW LEVEL SECURITY FORCED
    POLICY api FOR r TO yardstick_api USING (proposal IN ( SELECT proposal.id FROM billing.proposal))
    POLICY worker FOR * TO yardstick_visible, yardstick_worker USING true WITH CHECK true
    GRANT INSERT, SELECT TO yardstick_worker
    GRANT SELECT TO yardstick_api

RELATION billing.draft
    run bigint NOT NULL
    contract integer NOT NULL
    contract_name text NOT NULL
    revision integer NOT NULL
    period bigint NOT NULL
    state text NOT NULL
    reason text NOT NULL DEFAULT ''::text
    evaluation bigint
    document jsonb
    net numeric
    tax numeric
    gross numeric
    currency text
    hash text NOT NULL DEFAULT ''::text
    corrections jsonb NOT NULL DEFAULT '[]'::jsonb
    credit_notes jsonb NOT NULL DEFAULT '[]'::jsonb
    findings jsonb NOT NULL DEFAULT '[]'::jsonb
    buyer text NOT NULL DEFAULT ''::text
    content_hash text NOT NULL DEFAULT ''::text
    final boolean NOT NULL DEFAULT false
    metering jsonb NOT NULL DEFAULT '[]'::jsonb
    bundle text NOT NULL DEFAULT ''::text
    CONSTRAINT draft_contract_fkey FOREIGN KEY (contract) REFERENCES contracts.contract(id)
    CONSTRAINT draft_evaluation_fkey FOREIGN KEY (evaluation) REFERENCES contracts.evaluation(id)
    CONSTRAINT draft_period_fkey FOREIGN KEY (period) REFERENCES contracts.period(id)
    CONSTRAINT draft_pkey PRIMARY KEY (run, contract, revision)
    CONSTRAINT draft_run_fkey FOREIGN KEY (run) REFERENCES billing.run(id)
    CONSTRAINT draft_state_check CHECK ((state = ANY (ARRAY['collected'::text, 'ok'::text, 'warning'::text, 'blocked'::text, 'excluded'::text, 'issued'::text, 'failed'::text])))
    CREATE INDEX draft_unbilled ON billing.draft USING btree (contract) WHERE (findings @> '[{"code": "nothing_to_bill"}]'::jsonb)
    CREATE TRIGGER drawn_up BEFORE UPDATE OF document, content_hash, credit_notes, corrections, bundle ON billing.draft FOR EACH ROW WHEN ((old.document IS NOT NULL)) EXECUTE FUNCTION core.refuse_change()
    ROW LEVEL SECURITY FORCED
    POLICY api FOR r TO yardstick_api USING (run IN ( SELECT run.id FROM billing.run))
    POLICY worker FOR * TO yardstick_visible, yardstick_worker USING true WITH CHECK true
    GRANT INSERT, SELECT, UPDATE TO yardstick_worker
    GRANT SELECT TO yardstick_api

RELATION billing.dunning_block
    id bigint NOT NULL GENERATED ALWAYS AS IDENTITY
    public_id text NOT NULL
    invoice bigint NOT NULL
    line integer
    reason text NOT NULL
    by text NOT NULL
    at timestamp with time zone NOT NULL
    CONSTRAINT dunning_block_by_check CHECK ((by <> ''::text))
    CONSTRAINT dunning_block_invoice_fkey FOREIGN KEY (invoice) REFERENCES billing.invoice(id)
    CONSTRAINT dunning_block_invoice_line_fkey FOREIGN KEY (invoice, line) REFERENCES billing.line(invoice, n)
    CONSTRAINT dunning_block_pkey PRIMARY KEY (id)
    CONSTRAINT dunning_block_public_id_key UNIQUE (public_id)
    CONSTRAINT dunning_block_reason_check CHECK ((reason <> ''::text))
    CREATE INDEX dunning_block_invoice ON billing.dunning_block USING btree (invoice)
    CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON billing.dunning_block FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change()
    ROW LEVEL SECURITY FORCED
    POLICY api FOR r TO yardstick_api USING (invoice IN ( SELECT invoice.id FROM billing.invoice))
    POLICY worker FOR * TO yardstick_visible, yardstick_worker USING true WITH CHECK true
    GRANT INSERT, SELECT TO yardstick_worker
    GRANT SELECT TO yardstick_api

RELATION billing.dunning_item
    letter bigint NOT NULL
    invoice bigint NOT NULL
    level integer NOT NULL
    owed numeric NOT NULL
    interest numeric NOT NULL
    lump_sum numeric NOT NULL DEFAULT 0
    interest_until date
    CONSTRAINT dunning_item_interest_check CHECK ((interest >= (0)::numeric))
    CONSTRAINT dunning_item_invoice_fkey FOREIGN KEY (invoice) REFERENCES billing.invoice(id)
    CONSTRAINT dunning_item_letter_fkey FOREIGN KEY (letter) REFERENCES billing.dunning_letter(id)
    CONSTRAINT dunning_item_level_check CHECK (((level >= 1) AND (level <= 9)))
    CONSTRAINT dunning_item_lump_sum_check CHECK ((lump_sum >= (0)::numeric))
    CONSTRAINT dunning_item_owed_check CHECK ((owed > (0)::numeric))
    CONSTRAINT dunning_item_pkey PRIMARY KEY (letter, invoice)
    CREATE INDEX dunning_item_invoice ON billing.dunning_item USING btree (invoice)
    CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON billing.dunning_item FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change()
    ROW LEVEL SECURITY FORCED
    POLICY api FOR r TO yardstick_api USING (letter IN ( SELECT dunning_letter.id FROM billing.dunning_letter))
    POLICY worker FOR * TO yardstick_visible, yardstick_worker USING true WITH CHECK true
    GRANT INSERT, SELECT TO yardstick_worker
    GRANT SELECT TO yardstick_api

RELATION billing.dunning_letter
    id bigint NOT NULL GENERATED ALWAYS AS IDENTITY
    public_id text NOT NULL
    entity integer NOT NULL
    customer integer NOT NULL
    level integer NOT NULL
    issued_on date NOT NULL
    currency text NOT NULL
    owed numeric NOT NULL
    fee numeric NOT NULL
    interest numeric NOT NULL
    document jsonb NOT NULL
    content_hash text NOT NULL
    by text NOT NULL
    approved_by text NOT NULL
    at timestamp with time zone NOT NULL
    series integer
    n integer
    number text
    lump_sum numeric NOT NULL DEFAULT 0
    entry bigint
    CONSTRAINT dunning_letter_by_check CHECK ((by <> ''::text))
    CONSTRAINT dunning_letter_check CHECK ((approved_by <> by))
    CONSTRAINT dunning_letter_check1 CHECK ((((series IS NULL) = (number IS NULL)) AND ((series IS NULL) = (n IS NULL))))
    CONSTRAINT dunning_letter_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text))
    CONSTRAINT dunning_letter_customer_fkey FOREIGN KEY (customer) REFERENCES contracts.party(id)
    CONSTRAINT dunning_letter_entity_fkey FOREIGN KEY (entity) REFERENCES billing.entity(id)
    CONSTRAINT dunning_letter_entry_key UNIQUE (entry)
    CONSTRAINT dunning_letter_fee_check CHECK ((fee >= (0)::numeric))
    CONSTRAINT dunning_letter_interest_check CHECK ((interest >= (0)::numeric))
    CONSTRAINT dunning_letter_level_check CHECK (((level >= 1) AND (level <= 9)))
    CONSTRAINT dunning_letter_lump_sum_check CHECK ((lump_sum >= (0)::numeric))
    CONSTRAINT dunning_letter_n_check CHECK ((n > 0))
    CONSTRAINT dunning_letter_number_key UNIQUE (number)
    CONSTRAINT dunning_letter_owed_check CHECK ((owed > (0)::numeric))
    CONSTRAINT dunning_letter_pkey PRIMARY KEY (id)
    CONSTRAINT dunning_letter_public_id_key UNIQUE (public_id)
    CONSTRAINT dunning_letter_series_fkey FOREIGN KEY (series) REFERENCES billing.series(id)
    CONSTRAINT dunning_letter_series_n_key UNIQUE (series, n)
    CREATE INDEX dunning_letter_booked ON billing.dunning_letter USING btree (entity) WHERE (entry IS NOT NULL)
    CREATE INDEX dunning_letter_customer ON billing.dunning_letter USING btree (customer)
    CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON billing.dunning_letter FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change()
    ROW LEVEL SECURITY FORCED
    POLICY api FOR r TO yardstick_api USING (visible.reads_money() AND ((customer = visible.party()) OR (entity IN ( SELECT entity.id FROM billing.entity WHERE (entity.party = visible.party())))))
    POLICY worker FOR * TO yardstick_visible, yardstick_worker USING true WITH CHECK true
    GRANT INSERT, SELECT TO yardstick_worker
    GRANT SELECT TO yardstick_api

RELATION billing.dunning_release
    block bigint NOT NULL
    reason text NOT NULL
    by text NOT NULL
    at timestamp with time zone NOT NULL
    CONSTRAINT dunning_release_block_fkey FOREIGN KEY (block) REFERENCES billing.dunning_block(id)
    CONSTRAINT dunning_release_by_check CHECK ((by <> ''::text))
    CONSTRAINT dunning_release_pkey PRIMARY KEY (block)
    CONSTRAINT dunning_release_reason_check CHECK ((reason <> ''::text))
    CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON billing.dunning_release FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change()
    ROW LEVEL SECURITY FORCED
    POLICY api FOR r TO yardstick_api USING (block IN ( SELECT dunning_block.id FROM billing.dunning_block))
    POLICY worker FOR * TO yardstick_visible, yardstick_worker USING true WITH CHECK true
    GRANT INSERT, SELECT TO yardstick_worker
    GRANT SELECT TO yardstick_api

RELATION billing.dunning_withdrawal
    letter bigint NOT NULL
    reason text NOT NULL
    by text NOT NULL
    at timestamp with time zone NOT NULL
    entry bigint
    CONSTRAINT dunning_withdrawal_by_check CHECK ((by <> ''::text))
    CONSTRAINT dunning_withdrawal_entry_key UNIQUE (entry)
    CONSTRAINT dunning_withdrawal_letter_fkey FOREIGN KEY (letter) REFERENCES billing.dunning_letter(id)
    CONSTRAINT dunning_withdrawal_pkey PRIMARY KEY (letter)
    CONSTRAINT dunning_withdrawal_reason_check CHECK ((reason <> ''::text))
    CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON billing.dunning_withdrawal FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change()
    ROW LEVEL SECURITY FORCED
    POLICY api FOR r TO yardstick_api USING (letter IN ( SELECT dunning_letter.id FROM billing.dunning_letter))
    POLICY worker FOR * TO yardstick_visible, yardstick_worker USING true WITH CHECK true
    GRANT INSERT, SELECT TO yardstick_worker
    GRANT SELECT TO yardstick_api

RELATION billing.entity
    id integer NOT NULL GENERATED ALWAYS AS IDENTITY
    public_id text NOT NULL
    party integer NOT NULL
    name text NOT NULL
    address text NOT NULL
    country text NOT NULL
    vat_id text NOT NULL
    prefix text NOT NULL
    timezone text NOT NULL
    tax_category text
    tax_rate numeric
    vat_currency text
    rate_source text NOT NULL DEFAULT 'ECB'::text
    dunning jsonb
    materiality jsonb
    CONSTRAINT entity_check CHECK (((tax_category IS NULL) = (tax_rate IS NULL)))
    CONSTRAINT entity_country_check CHECK ((country ~ '^[A-Z]{2}$'::text))
    CONSTRAINT entity_party_fkey FOREIGN KEY (party) REFERENCES contracts.party(id)
    CONSTRAINT entity_party_key UNIQUE (party)
    CONSTRAINT entity_pkey PRIMARY KEY (id)
    CONSTRAINT entity_prefix_check CHECK ((prefix ~ '^[A-Z0-9]{1,12}$'::text))
    CONSTRAINT entity_prefix_key UNIQUE (prefix)
    CONSTRAINT entity_public_id_key UNIQUE (public_id)
    CONSTRAINT entity_tax_rate_check CHECK ((tax_rate >= (0)::numeric))
    CONSTRAINT entity_vat_currency_check CHECK ((vat_currency ~ '^[A-Z]{3}$'::text))
    ROW LEVEL SECURITY FORCED
    POLICY api FOR r TO yardstick_api USING (party IN ( SELECT contract_party.party FROM contracts.contract_party))
    POLICY worker FOR * TO yardstick_visible, yardstick_worker USING true WITH CHECK true
    GRANT INSERT, SELECT, UPDATE TO yardstick_worker
    GRANT SELECT TO yardstick_api

RELATION billing.entry
    GRANT USAGE TO yardstick_worker

RELATION billing.exchange_rate
    source text NOT NULL
    day date NOT NULL
    base text NOT NULL
    quote text NOT NULL
    rate numeric NOT NULL
    known bigint NOT NULL
    by text NOT NULL
    at timestamp with time zone NOT NULL
    CONSTRAINT exchange_rate_base_check CHECK ((base ~ '^[A-Z]{3}$'::text))
    CONSTRAINT exchange_rate_by_check CHECK ((by <> ''::text))
    CONSTRAINT exchange_rate_check CHECK (((quote ~ '^[A-Z]{3}$'::text) AND (quote <> base)))
    CONSTRAINT exchange_rate_pkey PRIMARY KEY (source, base, quote, day, known)
    CONSTRAINT exchange_rate_rate_check CHECK ((rate > (0)::numeric))
    CONSTRAINT exchange_rate_source_check CHECK ((source <> ''::text))
    CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON billing.exchange_rate FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change()
    ROW LEVEL SECURITY FORCED
    POLICY api FOR r TO yardstick_api USING true
    POLICY worker FOR * TO yardstick_visible, yardstick_worker USING true WITH CHECK true
    GRANT INSERT, SELECT TO yardstick_worker
    GRANT SELECT TO yardstick_api

RELATION billing.invoice
    id bigint NOT NULL GENERATED ALWAYS AS IDENTITY
    public_id text NOT NULL
    series integer NOT NULL
    n integer NOT NULL
    number text NOT NULL
    kind text NOT NULL
    contract integer NOT NULL
    customer integer NOT NULL
    run bigint NOT NULL
    evaluation bigint NOT NULL
    label text NOT NULL
    service_start timestamp with time zone NOT NULL
    service_end timestamp with time zone NOT NULL
    issue_date date NOT NULL
    due_date date NOT NULL
    currency text NOT NULL
    exponent smallint NOT NULL
    net numeric NOT NULL
    tax numeric NOT NULL
    gross numeric NOT NULL
    document jsonb NOT NULL
    content_hash text NOT NULL
    previous_hash text NOT NULL
    chain_hash text NOT NULL
    issued_at timestamp with time zone NOT NULL
    corrects bigint
    revision integer NOT NULL DEFAULT 1
    issue jsonb NOT NULL
    CONSTRAINT invoice_check CHECK ((service_end > service_start))
    CONSTRAINT invoice_check1 CHECK ((due_date >= issue_date))
    CONSTRAINT invoice_check2 CHECK ((scale(net) <= exponent))
    CONSTRAINT invoice_check3 CHECK ((scale(tax) <= exponent))
    CONSTRAINT invoice_check4 CHECK (((scale(gross) <= exponent) AND (gross = (net + tax))))
    CONSTRAINT invoice_check5 CHECK (((kind = 'credit_note'::text) = (corrects IS NOT NULL)))
    CONSTRAINT invoice_contract_fkey FOREIGN KEY (contract) REFERENCES contracts.contract(id)
    CONSTRAINT invoice_corrects_fkey FOREIGN KEY (corrects) REFERENCES billing.invoice(id)
    CONSTRAINT invoice_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text))
    CONSTRAINT invoice_customer_fkey FOREIGN KEY (customer) REFERENCES contracts.party(id)
    CONSTRAINT invoice_evaluation_fkey FOREIGN KEY (evaluation) REFERENCES contracts.evaluation(id)
    CONSTRAINT invoice_exponent_check CHECK (((exponent >= 0) AND (exponent <= 4)))
    CONSTRAINT invoice_kind_check CHECK ((kind = ANY (ARRAY['invoice'::text, 'credit_note'::text])))
    CONSTRAINT invoice_n_check CHECK ((n > 0))
    CONSTRAINT invoice_number_key UNIQUE (number)
    CONSTRAINT invoice_pkey PRIMARY KEY (id)
    CONSTRAINT invoice_public_id_key UNIQUE (public_id)
    CONSTRAINT invoice_revision_check CHECK ((revision > 0))
    CONSTRAINT invoice_run_fkey FOREIGN KEY (run) REFERENCES billing.run(id)
    CONSTRAINT invoice_series_fkey FOREIGN KEY (series) REFERENCES billing.series(id)
    CONSTRAINT invoice_series_n_key UNIQUE (series, n)
    CREATE INDEX invoice_contract ON billing.invoice USING btree (contract, service_start DESC)
    CREATE INDEX invoice_corrects ON billing.invoice USING btree (corrects) WHERE (corrects IS NOT NULL)
    CREATE INDEX invoice_customer_corrects ON billing.invoice USING btree (customer) WHERE (corrects IS NOT NULL)
    CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON billing.invoice FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change()
    CREATE TRIGGER locked AFTER INSERT ON billing.invoice REFERENCING NEW TABLE AS issued FOR EACH STATEMENT EXECUTE FUNCTION billing.refuse_locked_document()
    ROW LEVEL SECURITY FORCED
    POLICY api FOR r TO yardstick_api USING (contract IN ( SELECT visible.billed_contract_ids() AS billed_contract_ids))
    POLICY worker FOR * TO yardstick_visible, yardstick_worker USING true WITH CHECK true
    GRANT INSERT, SELECT TO yardstick_worker
    GRANT SELECT TO yardstick_api
    GRANT SELECT TO yardstick_visible

RELATION billing.invoice_id_seq
    GRANT USAGE TO yardstick_worker

RELATION billing.invoice_part
    invoice bigint NOT NULL
    n integer NOT NULL
    contract integer NOT NULL
    label text NOT NULL
    bills boolean NOT NULL
    revision integer NOT NULL
    evaluation bigint NOT NULL
    net numeric NOT NULL
    CONSTRAINT invoice_part_contract_fkey FOREIGN KEY (contract) REFERENCES contracts.contract(id)
    CONSTRAINT invoice_part_contract_invoice_key UNIQUE (contract, invoice)
    CONSTRAINT invoice_part_evaluation_fkey FOREIGN KEY (evaluation) REFERENCES contracts.evaluation(id)
    CONSTRAINT invoice_part_invoice_fkey FOREIGN KEY (invoice) REFERENCES billing.invoice(id) DEFERRABLE INITIALLY DEFERRED
    CONSTRAINT invoice_part_n_check CHECK ((n > 0))
    CONSTRAINT invoice_part_pkey PRIMARY KEY (invoice, n)
    CONSTRAINT invoice_part_revision_check CHECK ((revision > 0))
    CREATE UNIQUE INDEX invoice_part_period ON billing.invoice_part USING btree (contract, label, revision) WHERE bills
    CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON billing.invoice_part FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change()
    ROW LEVEL SECURITY FORCED
    POLICY api FOR r TO yardstick_api USING (contract IN ( SELECT visible.billed_contract_ids() AS billed_contract_ids))
    POLICY worker FOR * TO yardstick_visible, yardstick_worker USING true WITH CHECK true
    GRANT INSERT, SELECT TO yardstick_worker
    GRANT SELECT TO yardstick_api
    GRANT SELECT TO yardstick_visible

RELATION billing.line
    invoice bigint NOT NULL
    n integer NOT NULL
    line_id text NOT NULL
    clause text NOT NULL
    kind text NOT NULL
    asset text NOT NULL
    text text NOT NULL
    quantity numeric
    unit text
    amount numeric NOT NULL
    currency text NOT NULL
    tax_category text NOT NULL
    tax_rate numeric NOT NULL
    service_start timestamp with time zone NOT NULL
    service_end timestamp with time zone NOT NULL
    steps jsonb NOT NULL
    label text
    part integer NOT NULL DEFAULT 1
    CONSTRAINT line_check CHECK ((service_end > service_start))
    CONSTRAINT line_n_check CHECK ((n > 0))
    CONSTRAINT line_pkey PRIMARY KEY (invoice, n)
    CONSTRAINT line_tax_rate_check CHECK ((tax_rate >= (0)::numeric))
    CREATE INDEX line_label ON billing.line USING btree (label) WHERE (label IS NOT NULL)
    CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON billing.line FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change()
    CREATE TRIGGER of_part AFTER INSERT ON billing.line REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION billing.refuse_partless_line()
    ROW LEVEL SECURITY FORCED
    POLICY api FOR r TO yardstick_api USING (invoice IN ( SELECT invoice.id FROM billing.invoice))
    POLICY worker FOR * TO yardstick_visible, yardstick_worker USING true WITH CHECK true
    GRANT INSERT, SELECT TO yardstick_worker
    GRANT SELECT TO yardstick_api

RELATION billing.lock
    entity integer NOT NULL
    until date NOT NULL
    by text NOT NULL
    at timestamp with time zone NOT NULL
    CONSTRAINT lock_by_check CHECK ((by <> ''::text))
    CONSTRAINT lock_entity_fkey FOREIGN KEY (entity) REFERENCES billing.entity(id)
    CONSTRAINT lock_pkey PRIMARY KEY (entity, until)
    CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON billing.lock FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change()
    ROW LEVEL SECURITY FORCED
    POLICY api FOR r TO yardstick_api USING (visible.reads_money() AND (entity IN ( SELECT entity.id FROM billing.entity WHERE (entity.party = visible.party()))))
    POLICY worker FOR * TO yardstick_visible, yardstick_worker USING true WITH CHECK true
    GRANT INSERT, SELECT TO yardstick_worker
    GRANT SELECT TO yardstick_api

RELATION billing.override
    run bigint NOT NULL
    contract integer NOT NULL
    revision integer NOT NULL
    code text NOT NULL
    reason text NOT NULL
    by text NOT NULL
    at timestamp with time zone NOT NULL
    CONSTRAINT override_by_check CHECK ((by <> ''::text))
    CONSTRAINT override_contract_fkey FOREIGN KEY (contract) REFERENCES contracts.contract(id)
    CONSTRAINT override_pkey PRIMARY KEY (run, contract, revision, code)
    CONSTRAINT override_reason_check CHECK ((reason <> ''::text))
    CONSTRAINT override_run_fkey FOREIGN KEY (run) REFERENCES billing.run(id)
    CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON billing.override FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change()
    ROW LEVEL SECURITY FORCED
    POLICY api FOR r TO yardstick_api USING (run IN ( SELECT run.id FROM billing.run))
    POLICY worker FOR * TO yardstick_visible, yardstick_worker USING true WITH CHECK true
    GRANT INSERT, SELECT TO yardstick_worker
    GRANT SELECT TO yardstick_api

RELATION billing.payment
    id bigint NOT NULL GENERATED ALWAYS AS IDENTITY
    public_id text NOT NULL
    entity integer NOT NULL
    key text NOT NULL
    received_on date NOT NULL
    currency text NOT NULL
    amount numeric NOT NULL
    payer text NOT NULL
    text text NOT NULL
    by text NOT NULL
    at timestamp with time zone NOT NULL
    entry bigint
    end_to_end text NOT NULL DEFAULT ''::text
    CONSTRAINT payment_amount_check CHECK ((amount > (0)::numeric))
    CONSTRAINT payment_by_check CHECK ((by <> ''::text))
    CONSTRAINT payment_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text))
    CONSTRAINT payment_entity_fkey FOREIGN KEY (entity) REFERENCES billing.entity(id)
    CONSTRAINT payment_entity_key_key UNIQUE (entity, key)
    CONSTRAINT payment_key_check CHECK ((key <> ''::text))
    CONSTRAINT payment_pkey PRIMARY KEY (id)
    CONSTRAINT payment_public_id_key UNIQUE (public_id)
    CREATE INDEX payment_end_to_end ON billing.payment USING btree (entity, end_to_end) WHERE (end_to_end <> ''::text)
    CREATE INDEX payment_entry ON billing.payment USING btree (entry)
    CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON billing.payment FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change()
    ROW LEVEL SECURITY FORCED
    POLICY api FOR r TO yardstick_api USING (visible.reads_money() AND (entity IN ( SELECT entity.id FROM billing.entity WHERE (entity.party = visible.party()))))
    POLICY worker FOR * TO yardstick_visible, yardstick_worker USING true WITH CHECK true
    GRANT INSERT, SELECT TO yardstick_worker
    GRANT SELECT TO yardstick_api

RELATION billing.payment_return
    payment bigint NOT NULL
    entry bigint NOT NULL
    reason text NOT NULL
    by text NOT NULL
    at timestamp with time zone NOT NULL
    CONSTRAINT payment_return_by_check CHECK ((by <> ''::text))
    CONSTRAINT payment_return_payment_fkey FOREIGN KEY (payment) REFERENCES billing.payment(id)
    CONSTRAINT payment_return_pkey PRIMARY KEY (payment)
    CONSTRAINT payment_return_reason_check CHECK ((reason <> ''::text))
    CREATE INDEX payment_return_entry ON billing.payment_return USING btree (entry)
    CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON billing.payment_return FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change()
    ROW LEVEL SECURITY FORCED
    POLICY api FOR r TO yardstick_api USING (payment IN ( SELECT payment.id FROM billing.payment))
    POLICY worker FOR * TO yardstick_visible, yardstick_worker USING true WITH CHECK true
    GRANT INSERT, SELECT TO yardstick_worker
    GRANT SELECT TO yardstick_api

RELATION billing.proposal
    id bigint NOT NULL GENERATED ALWAYS AS IDENTITY
    public_id text NOT NULL
    entity integer NOT NULL
    kind text NOT NULL
    subject text NOT NULL
    detail jsonb NOT NULL
    hash text NOT NULL
    reason text NOT NULL
    by text NOT NULL
    at timestamp with time zone NOT NULL
    expires_at timestamp with time zone NOT NULL
    CONSTRAINT proposal_by_check CHECK ((by <> ''::text))
    CONSTRAINT proposal_check CHECK ((expires_at > at))
    CONSTRAINT proposal_entity_fkey FOREIGN KEY (entity) REFERENCES billing.entity(id)
    CONSTRAINT proposal_id_by_key UNIQUE (id, by)
    CONSTRAINT proposal_kind_check CHECK ((kind = ANY (ARRAY['credit_note'::text, 'dunning'::text, 'refund'::text])))
    CONSTRAINT proposal_pkey PRIMARY KEY (id)
    CONSTRAINT proposal_public_id_key UNIQUE (public_id)
    CONSTRAINT proposal_reason_check CHECK ((reason <> ''::text))
    CREATE INDEX proposal_entity ON billing.proposal USING btree (entity, id DESC)
    CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON billing.proposal FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change()
    ROW LEVEL SECURITY FORCED
    POLICY api FOR r TO yardstick_api USING (visible.reads_money() AND (entity IN ( SELECT entity.id FROM billing.entity WHERE (entity.party = visible.party()))))
    POLICY worker FOR * TO yardstick_visible, yardstick_worker USING true WITH CHECK true
    GRANT INSERT, SELECT TO yardstick_worker
    GRANT SELECT TO yardstick_api

RELATION billing.refund
    id bigint NOT NULL GENERATED ALWAYS AS IDENTITY
    public_id text NOT NULL
    entity integer NOT NULL
    invoice bigint
    payment bigint
    currency text NOT NULL
    amount numeric NOT NULL
    payee text NOT NULL
    paid_on date NOT NULL
    entry bigint NOT NULL
    reason text NOT NULL
    by text NOT NULL
    approved_by text NOT NULL
    at timestamp with time zone NOT NULL
    CONSTRAINT refund_amount_check CHECK ((amount > (0)::numeric))
    CONSTRAINT refund_by_check CHECK ((by <> ''::text))
    CONSTRAINT refund_check CHECK ((split_part(approved_by, ' via '::text, 1) <> split_part(by, ' via '::text, 1)))
    CONSTRAINT refund_check1 CHECK ((num_nonnulls(invoice, payment) = 1))
    CONSTRAINT refund_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text))
    CONSTRAINT refund_entity_fkey FOREIGN KEY (entity) REFERENCES billing.entity(id)
    CONSTRAINT refund_entry_key UNIQUE (entry)
    CONSTRAINT refund_invoice_fkey FOREIGN KEY (invoice) REFERENCES billing.invoice(id)
    CONSTRAINT refund_payment_fkey FOREIGN KEY (payment) REFERENCES billing.payment(id)
    CONSTRAINT refund_pkey PRIMARY KEY (id)
    CONSTRAINT refund_public_id_key UNIQUE (public_id)
    CONSTRAINT refund_reason_check CHECK ((reason <> ''::text))
    CREATE INDEX refund_entity ON billing.refund USING btree (entity)
    CREATE INDEX refund_invoice ON billing.refund USING btree (invoice) WHERE (invoice IS NOT NULL)
    CREATE INDEX refund_payment ON billing.refund USING btree (payment) WHERE (payment IS NOT NULL)
    CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON billing.refund FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change()
    ROW LEVEL SECURITY FORCED
    POLICY api FOR r TO yardstick_api USING ((invoice IN ( SELECT invoice.id FROM billing.invoice)) OR (visible.reads_money() AND (entity IN ( SELECT entity.id FROM billing.entity WHERE (entity.party = visible.party())))))
    POLICY worker FOR * TO yardstick_visible, yardstick_worker USING true WITH CHECK true
    GRANT INSERT, SELECT TO yardstick_worker
    GRANT SELECT TO yardstick_api

RELATION billing.run
    id bigint NOT NULL GENERATED ALWAYS AS IDENTITY
    public_id text NOT NULL
    entity integer NOT NULL
    label text NOT NULL
    starts_at timestamp with time zone NOT NULL
    ends_at timestamp with time zone NOT NULL
    known bigint
    state text NOT NULL
    revision integer NOT NULL DEFAULT 0
    hash text
    created_at timestamp with time zone NOT NULL
    created_by text NOT NULL
    approved_at timestamp with time zone
    approved_by text
    approved_hash text
    issue_date date
    CONSTRAINT run_check CHECK (((approved_by IS NULL) = (approved_hash IS NULL)))
    CONSTRAINT run_check1 CHECK ((approved_by <> created_by))
    CONSTRAINT run_check2 CHECK ((split_part(approved_by, ' via '::text, 1) <> split_part(created_by, ' via '::text, 1)))
    CONSTRAINT run_entity_fkey FOREIGN KEY (entity) REFERENCES billing.entity(id)
    CONSTRAINT run_pkey PRIMARY KEY (id)
    CONSTRAINT run_public_id_key UNIQUE (public_id)
    CONSTRAINT run_state_check CHECK ((state = ANY (ARRAY['created'::text, 'collecting'::text, 'calculated'::text, 'in_review'::text, 'approved'::text, 'issuing'::text, 'issued'::text, 'exported'::text, 'closed'::text, 'failed'::text, 'cancelled'::text])))
    CREATE UNIQUE INDEX run_open ON billing.run USING btree (entity, label) WHERE (state <> ALL (ARRAY['issued'::text, 'exported'::text, 'closed'::text, 'cancelled'::text]))
    ROW LEVEL SECURITY FORCED
    POLICY api FOR r TO yardstick_api USING (visible.reads_money() AND (entity IN ( SELECT entity.id FROM billing.entity WHERE (entity.party = visible.party()))))
    POLICY worker FOR * TO yardstick_visible, yardstick_worker USING true WITH CHECK true
    GRANT INSERT, SELECT, UPDATE TO yardstick_worker
    GRANT SELECT TO yardstick_api

RELATION billing.series
    id integer NOT NULL GENERATED ALWAYS AS IDENTITY
    entity integer NOT NULL
    kind text NOT NULL
    year integer NOT NULL
    issued integer NOT NULL DEFAULT 0
    last_issued date
    chain_hash text NOT NULL DEFAULT ''::text
    CONSTRAINT series_entity_fkey FOREIGN KEY (entity) REFERENCES billing.entity(id)
    CONSTRAINT series_entity_kind_year_key UNIQUE (entity, kind, year)
    CONSTRAINT series_issued_check CHECK ((issued >= 0))
    CONSTRAINT series_kind_check CHECK ((kind = ANY (ARRAY['invoice'::text, 'credit_note'::text, 'dunning'::text])))
    CONSTRAINT series_pkey PRIMARY KEY (id)
    ROW LEVEL SECURITY FORCED
    POLICY api FOR r TO yardstick_api USING (entity IN ( SELECT entity.id FROM billing.entity WHERE (entity.party = visible.party())))
    POLICY worker FOR * TO yardstick_visible, yardstick_worker USING true WITH CHECK true
    GRANT INSERT, SELECT, UPDATE TO yardstick_worker
    GRANT SELECT TO yardstick_api

RELATION billing.settlement
    id bigint NOT NULL GENERATED ALWAYS AS IDENTITY
    payment bigint NOT NULL
    invoice bigint NOT NULL
    amount numeric NOT NULL
    reverses bigint
    entry bigint NOT NULL
    matched text NOT NULL
    by text NOT NULL
    at timestamp with time zone NOT NULL
    CONSTRAINT settlement_amount_check CHECK ((amount <> (0)::numeric))
    CONSTRAINT settlement_by_check CHECK ((by <> ''::text))
    CONSTRAINT settlement_check CHECK (((amount < (0)::numeric) = (reverses IS NOT NULL)))
    CONSTRAINT settlement_invoice_fkey FOREIGN KEY (invoice) REFERENCES billing.invoice(id)
    CONSTRAINT settlement_payment_fkey FOREIGN KEY (payment) REFERENCES billing.payment(id)
    CONSTRAINT settlement_pkey PRIMARY KEY (id)
    CONSTRAINT settlement_reverses_fkey FOREIGN KEY (reverses) REFERENCES billing.settlement(id)
    CONSTRAINT settlement_reverses_key UNIQUE (reverses)
    CREATE INDEX settlement_entry ON billing.settlement USING btree (entry)
    CREATE INDEX settlement_invoice ON billing.settlement USING btree (invoice)
    CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON billing.settlement FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change()
    ROW LEVEL SECURITY FORCED
    POLICY api FOR r TO yardstick_api USING (invoice IN ( SELECT invoice.id FROM billing.invoice))
    POLICY worker FOR * TO yardstick_visible, yardstick_worker USING true WITH CHECK true
    GRANT INSERT, SELECT TO yardstick_worker
    GRANT SELECT TO yardstick_api

RELATION billing.tax_total
    invoice bigint NOT NULL
    category text NOT NULL
    rate numeric NOT NULL
    base numeric NOT NULL
    tax numeric NOT NULL
    CONSTRAINT tax_total_pkey PRIMARY KEY (invoice, category, rate)
    CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON billing.tax_total FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change()
    CREATE TRIGGER of_part AFTER INSERT ON billing.tax_total REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION billing.refuse_partless()
    ROW LEVEL SECURITY FORCED
    POLICY api FOR r TO yardstick_api USING (invoice IN ( SELECT invoice.id FROM billing.invoice))
    POLICY worker FOR * TO yardstick_visible, yardstick_worker USING true WITH CHECK true
    GRANT INSERT, SELECT TO yardstick_worker
    GRANT SELECT TO yardstick_api

RELATION billing.transfer
    entry bigint NOT NULL
    n integer NOT NULL
    at timestamp with time zone NOT NULL
    posted_on date NOT NULL
    debit text NOT NULL
    credit text NOT NULL
    currency text NOT NULL
    amount numeric NOT NULL
    invoice bigint
    entity integer
    CONSTRAINT transfer_amount_check CHECK ((amount > (0)::numeric))
    CONSTRAINT transfer_check CHECK ((credit <> debit))
    CONSTRAINT transfer_check1 CHECK (((invoice IS NOT NULL) OR (entity IS NOT NULL)))
    CONSTRAINT transfer_entity_fkey FOREIGN KEY (entity) REFERENCES billing.entity(id)
    CONSTRAINT transfer_n_check CHECK ((n > 0))
    CONSTRAINT transfer_pkey PRIMARY KEY (entry, n)
    CREATE INDEX transfer_entity ON billing.transfer USING btree (entity) WHERE (entity IS NOT NULL)
    CREATE INDEX transfer_invoice ON billing.transfer USING btree (invoice)
    CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON billing.transfer FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change()
    CREATE TRIGGER locked AFTER INSERT ON billing.transfer REFERENCING NEW TABLE AS posted FOR EACH STATEMENT EXECUTE FUNCTION billing.refuse_locked()
    CREATE TRIGGER of_part AFTER INSERT ON billing.transfer REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION billing.refuse_partless()
    ROW LEVEL SECURITY FORCED
    POLICY api FOR r TO yardstick_api USING (invoice IN ( SELECT invoice.id FROM billing.invoice))
    POLICY worker FOR * TO yardstick_visible, yardstick_worker USING true WITH CHECK true
    GRANT INSERT, SELECT TO yardstick_worker
    GRANT SELECT TO yardstick_api

RELATION contracts.attribution
    id bigint NOT NULL GENERATED ALWAYS AS IDENTITY
    public_id text NOT NULL
    contract integer NOT NULL
    asset text NOT NULL
    during tstzrange NOT NULL
    category text NOT NULL
    party text NOT NULL
    cause text NOT NULL DEFAULT ''::text
    status text NOT NULL
    replaces bigint
    author text NOT NULL
    known bigint NOT NULL
    reason text NOT NULL DEFAULT ''::text
    CONSTRAINT attribution_contract_fkey FOREIGN KEY (contract) REFERENCES contracts.contract(id)
    CONSTRAINT attribution_during_check CHECK ((NOT isempty(during)))
    CONSTRAINT attribution_party_check CHECK ((party = ANY (ARRAY['provider'::text, 'customer'::text, 'none'::text])))
    CONSTRAINT attribution_pkey PRIMARY KEY (id)
    CONSTRAINT attribution_public_id_key UNIQUE (public_id)
    CONSTRAINT attribution_replaces_fkey FOREIGN KEY (replaces) REFERENCES contracts.attribution(id)
    CONSTRAINT attribution_status_check CHECK ((status = ANY (ARRAY['proposed'::text, 'accepted'::text, 'disputed'::text, 'determined'::text])))
    CREATE INDEX attribution_contract ON contracts.attribution USING btree (contract, known)
    CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON contracts.attribution FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change()
    ROW LEVEL SECURITY FORCED
    POLICY api FOR r TO yardstick_api USING (contract IN ( SELECT visible.contract_ids() AS contract_ids))
    POLICY api_states FOR a TO yardstick_api WITH CHECK ((contract IN ( SELECT visible.stating_contract_ids() AS stating_contract_ids)) OR ((status = ANY (ARRAY['proposed'::text, 'disputed'::text])) AND (contract IN ( SELECT visible.contract_ids() AS contract_ids))))
    POLICY worker FOR * TO yardstick_visible, yardstick_worker USING true WITH CHECK true
    GRANT INSERT, SELECT TO yardstick_api
    GRANT INSERT, SELECT TO yardstick_worker
    GRANT SELECT TO yardstick_visible

RELATION contracts.basis
    id bigint NOT NULL GENERATED ALWAYS AS IDENTITY
    public_id text NOT NULL
    contract integer NOT NULL
    otherwise text
    duties text NOT NULL
    author text NOT NULL
    reason text NOT NULL
    known bigint NOT NULL
    CONSTRAINT basis_author_check CHECK ((author <> ''::text))
    CONSTRAINT basis_contract_fkey FOREIGN KEY (contract) REFERENCES contracts.contract(id)
    CONSTRAINT basis_duties_check CHECK ((duties = ANY (ARRAY['measured'::text, 'reported'::text])))
    CONSTRAINT basis_pkey PRIMARY KEY (id)
    CONSTRAINT basis_public_id_key UNIQUE (public_id)
    CREATE INDEX basis_contract ON contracts.basis USING btree (contract, known)
    CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON contracts.basis FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change()
    ROW LEVEL SECURITY FORCED
    POLICY api FOR r TO yardstick_api USING (contract IN ( SELECT visible.contract_ids() AS contract_ids))
    POLICY api_states FOR a TO yardstick_api WITH CHECK (contract IN ( SELECT visible.stating_contract_ids() AS stating_contract_ids))
    POLICY worker FOR * TO yardstick_visible, yardstick_worker USING true WITH CHECK true
    GRANT INSERT, SELECT TO yardstick_api
    GRANT INSERT, SELECT TO yardstick_worker
    GRANT SELECT TO yardstick_visible

RELATION contracts.breach
    id bigint NOT NULL GENERATED ALWAYS AS IDENTITY
    public_id text NOT NULL
    contract integer NOT NULL
    evaluation bigint NOT NULL
    period bigint NOT NULL
    clause text NOT NULL
    asset text NOT NULL
    obligated text NOT NULL
    measured text NOT NULL
    target text NOT NULL
    credit numeric NOT NULL
    currency text NOT NULL
    window_start timestamp with time zone
    CONSTRAINT breach_contract_fkey FOREIGN KEY (contract) REFERENCES contracts.contract(id)
    CONSTRAINT breach_credit_check CHECK ((credit >= (0)::numeric))
    CONSTRAINT breach_evaluation_fkey FOREIGN KEY (evaluation) REFERENCES contracts.evaluation(id)
    CONSTRAINT breach_obligated_check CHECK ((obligated = ANY (ARRAY['provider'::text, 'customer'::text])))
    CONSTRAINT breach_once UNIQUE NULLS NOT DISTINCT (contract, clause, asset, period, evaluation, window_start)
    CONSTRAINT breach_period_fkey FOREIGN KEY (period) REFERENCES contracts.period(id)
    CONSTRAINT breach_pkey PRIMARY KEY (id)
    CONSTRAINT breach_public_id_key UNIQUE (public_id)
    CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON contracts.breach FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change()
    ROW LEVEL SECURITY FORCED
    POLICY api FOR r TO yardstick_api USING (contract IN ( SELECT visible.billed_contract_ids() AS billed_contract_ids))
    POLICY worker FOR * TO yardstick_visible, yardstick_worker USING true WITH CHECK true
    GRANT INSERT, SELECT TO yardstick_worker
    GRANT SELECT TO yardstick_api
    GRANT SELECT TO yardstick_visible

RELATION contracts.carried
    id bigint NOT NULL GENERATED ALWAYS AS IDENTITY
    public_id text NOT NULL
    contract integer NOT NULL
    clause text NOT NULL
    item text NOT NULL
    owner text NOT NULL
    value numeric NOT NULL
    unit text NOT NULL
    at timestamp with time zone NOT NULL
    author text NOT NULL
    reason text NOT NULL
    known bigint NOT NULL
    CONSTRAINT carried_author_check CHECK ((author <> ''::text))
    CONSTRAINT carried_clause_check CHECK ((clause <> ''::text))
    CONSTRAINT carried_contract_fkey FOREIGN KEY (contract) REFERENCES contracts.contract(id)
    CONSTRAINT carried_item_check CHECK ((item <> ''::text))
    CONSTRAINT carried_pkey PRIMARY KEY (id)
    CONSTRAINT carried_public_id_key UNIQUE (public_id)
    CREATE INDEX carried_contract ON contracts.carried USING btree (contract, known)
    CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON contracts.carried FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change()
    ROW LEVEL SECURITY FORCED
    POLICY api FOR r TO yardstick_api USING (contract IN ( SELECT visible.billed_contract_ids() AS billed_contract_ids))
    POLICY api_states FOR a TO yardstick_api WITH CHECK ((contract IN ( SELECT visible.stating_contract_ids() AS stating_contract_ids)) AND visible.reads_money())
    POLICY worker FOR * TO yardstick_visible, yardstick_worker USING true WITH CHECK true
    GRANT INSERT, SELECT TO yardstick_api
    GRANT INSERT, SELECT TO yardstick_worker
    GRANT SELECT TO yardstick_visible

RELATION contracts.contract
    id integer NOT NULL GENERATED ALWAYS AS IDENTITY
    public_id text NOT NULL
    name text NOT NULL
    currency text NOT NULL
    timezone text NOT NULL
    created_at timestamp with time zone NOT NULL
    CONSTRAINT contract_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text))
    CONSTRAINT contract_name_check CHECK ((name <> ''::text))
    CONSTRAINT contract_name_key UNIQUE (name)
    CONSTRAINT contract_pkey PRIMARY KEY (id)
    CONSTRAINT contract_public_id_key UNIQUE (public_id)
    ROW LEVEL SECURITY FORCED
    POLICY api FOR r TO yardstick_api USING (id IN ( SELECT visible.contract_ids() AS contract_ids))
    POLICY worker FOR * TO yardstick_visible, yardstick_worker USING true WITH CHECK true
    GRANT INSERT, SELECT TO yardstick_worker
    GRANT SELECT TO yardstick_api
    GRANT SELECT TO yardstick_visible

RELATION contracts.contract_party
    contract integer NOT NULL
    role text NOT NULL
    party integer NOT NULL
    CONSTRAINT contract_party_contract_fkey FOREIGN KEY (contract) REFERENCES contracts.contract(id)
    CONSTRAINT contract_party_party_fkey FOREIGN KEY (party) REFERENCES contracts.party(id)
    CONSTRAINT contract_party_pkey PRIMARY KEY (contract, role)
    CONSTRAINT contract_party_role_check CHECK ((role = ANY (ARRAY['provider'::text, 'customer'::text, 'payer'::text, 'partner'::text])))
    CREATE INDEX contract_party_party ON contracts.contract_party USING btree (party, contract)
    ROW LEVEL SECURITY FORCED
    POLICY api FOR r TO yardstick_api USING (contract IN ( SELECT visible.contract_ids() AS contract_ids))
    POLICY worker FOR * TO yardstick_visible, yardstick_worker USING true WITH CHECK true
    GRANT INSERT, SELECT TO yardstick_worker
    GRANT SELECT TO yardstick_api
    GRANT SELECT TO yardstick_visible

RELATION contracts.coverage
    contract integer NOT NULL
    asset integer NOT NULL
    asset_name text NOT NULL
    "group" text
    during tstzrange NOT NULL
    CONSTRAINT coverage_asset_fkey FOREIGN KEY (asset) REFERENCES ingest.asset(id)
    CONSTRAINT coverage_contract_asset_during_excl EXCLUDE USING gist (contract WITH =, asset WITH =, during WITH &&)
    CONSTRAINT coverage_contract_fkey FOREIGN KEY (contract) REFERENCES contracts.contract(id)
    CONSTRAINT coverage_during_check CHECK ((NOT isempty(during)))
    ROW LEVEL SECURITY FORCED
    POLICY api FOR r TO yardstick_api USING (contract IN ( SELECT visible.contract_ids() AS contract_ids))
    POLICY worker FOR * TO yardstick_visible, yardstick_worker USING true WITH CHECK true
    GRANT DELETE, INSERT, SELECT TO yardstick_worker
    GRANT SELECT TO yardstick_api
    GRANT SELECT TO yardstick_visible

RELATION contracts.evaluation
    id bigint NOT NULL GENERATED ALWAYS AS IDENTITY
    public_id text NOT NULL
    contract integer NOT NULL
    period bigint NOT NULL
    until timestamp with time zone NOT NULL
    known bigint NOT NULL
    evaluated_at timestamp with time zone NOT NULL
    engine_version text NOT NULL
    input_hash text NOT NULL
    result_hash text NOT NULL
    result jsonb NOT NULL
    evidence jsonb NOT NULL
    CONSTRAINT evaluation_contract_fkey FOREIGN KEY (contract) REFERENCES contracts.contract(id)
    CONSTRAINT evaluation_contract_period_known_until_input_hash_key UNIQUE (contract, period, known, until, input_hash)
    CONSTRAINT evaluation_period_fkey FOREIGN KEY (period) REFERENCES contracts.period(id)
    CONSTRAINT evaluation_pkey PRIMARY KEY (id)
    CONSTRAINT evaluation_public_id_key UNIQUE (public_id)
    CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON contracts.evaluation FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change()
    ROW LEVEL SECURITY FORCED
    POLICY api FOR r TO yardstick_api USING (contract IN ( SELECT visible.billed_contract_ids() AS billed_contract_ids))
    POLICY worker FOR * TO yardstick_visible, yardstick_worker USING true WITH CHECK true
    GRANT INSERT, SELECT TO yardstick_worker
    GRANT SELECT TO yardstick_api
    GRANT SELECT TO yardstick_visible

RELATION contracts.fact_known
    fact text
    contract integer
    during tstzrange
    known bigint
    GRANT SELECT TO yardstick_worker

RELATION contracts.failure
    contract integer NOT NULL
    work text NOT NULL
    failures integer NOT NULL
    since timestamp with time zone NOT NULL
    tried_at timestamp with time zone NOT NULL
    retry_at timestamp with time zone NOT NULL
    known bigint NOT NULL
    error text NOT NULL
    CONSTRAINT failure_check CHECK ((retry_at > tried_at))
    CONSTRAINT failure_contract_fkey FOREIGN KEY (contract) REFERENCES contracts.contract(id)
    CONSTRAINT failure_failures_check CHECK ((failures > 0))
    CONSTRAINT failure_pkey PRIMARY KEY (contract, work)
    CONSTRAINT failure_work_check CHECK ((work = ANY (ARRAY['standing'::text, 'closing'::text])))
    ROW LEVEL SECURITY FORCED
    POLICY worker FOR * TO yardstick_visible, yardstick_worker USING true WITH CHECK true
    GRANT DELETE, INSERT, SELECT, UPDATE TO yardstick_worker

RELATION contracts.history
    id bigint NOT NULL GENERATED ALWAYS AS IDENTITY
    public_id text NOT NULL
    contract integer NOT NULL
    clause text NOT NULL
    owner text NOT NULL
    period text NOT NULL
    value numeric
    counted bigint
    down bigint
    author text NOT NULL
    reason text NOT NULL
    known bigint NOT NULL
    CONSTRAINT history_author_check CHECK ((author <> ''::text))
    CONSTRAINT history_check CHECK (((value IS NOT NULL) OR ((counted IS NOT NULL) AND (down IS NOT NULL))))
    CONSTRAINT history_clause_check CHECK ((clause <> ''::text))
    CONSTRAINT history_contract_fkey FOREIGN KEY (contract) REFERENCES contracts.contract(id)
    CONSTRAINT history_counted_check CHECK ((counted >= 0))
    CONSTRAINT history_down_check CHECK ((down >= 0))
    CONSTRAINT history_owner_check CHECK ((owner <> ''::text))
    CONSTRAINT history_period_check CHECK ((period <> ''::text))
    CONSTRAINT history_pkey PRIMARY KEY (id)
    CONSTRAINT history_public_id_key UNIQUE (public_id)
    CREATE INDEX history_contract ON contracts.history USING btree (contract, known)
    CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON contracts.history FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change()
    ROW LEVEL SECURITY FORCED
    POLICY api FOR r TO yardstick_api USING (contract IN ( SELECT visible.contract_ids() AS contract_ids))
    POLICY api_states FOR a TO yardstick_api WITH CHECK (contract IN ( SELECT visible.stating_contract_ids() AS stating_contract_ids))
    POLICY worker FOR * TO yardstick_visible, yardstick_worker USING true WITH CHECK true
    GRANT INSERT, SELECT TO yardstick_api
    GRANT INSERT, SELECT TO yardstick_worker
    GRANT SELECT TO yardstick_visible

RELATION contracts.index_value
    id bigint NOT NULL GENERATED ALWAYS AS IDENTITY
    public_id text NOT NULL
    index text NOT NULL
    month text NOT NULL
    value numeric NOT NULL
    published timestamp with time zone NOT NULL
    author text NOT NULL
    reason text NOT NULL
    known bigint NOT NULL
    CONSTRAINT index_value_author_check CHECK ((author <> ''::text))
    CONSTRAINT index_value_index_check CHECK ((index <> ''::text))
    CONSTRAINT index_value_month_check CHECK ((month ~ '^[0-9]{4}-(0[1-9]|1[0-2])$'::text))
    CONSTRAINT index_value_pkey PRIMARY KEY (id)
    CONSTRAINT index_value_public_id_key UNIQUE (public_id)
    CONSTRAINT index_value_reason_check CHECK ((reason <> ''::text))
    CONSTRAINT index_value_value_check CHECK ((value > (0)::numeric))
    CREATE INDEX index_value_index ON contracts.index_value USING btree (index, month)
    CREATE INDEX index_value_known ON contracts.index_value USING btree (known)
    CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON contracts.index_value FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change()
    ROW LEVEL SECURITY FORCED
    POLICY api FOR r TO yardstick_api USING (visible.party() IS NOT NULL)
    POLICY api_states FOR a TO yardstick_api WITH CHECK (EXISTS ( SELECT visible.stating_contract_ids() AS stating_contract_ids))
    POLICY worker FOR * TO yardstick_visible, yardstick_worker USING true WITH CHECK true
    GRANT INSERT, SELECT TO yardstick_api
    GRANT INSERT, SELECT TO yardstick_worker
    GRANT SELECT TO yardstick_visible

RELATION contracts.meter_test
    id bigint NOT NULL GENERATED ALWAYS AS IDENTITY
    public_id text NOT NULL
    contract integer NOT NULL
    asset text NOT NULL
    register text NOT NULL
    last_tested timestamp with time zone NOT NULL
    tested timestamp with time zone NOT NULL
    error numeric NOT NULL
    author text NOT NULL
    reason text NOT NULL
    known bigint NOT NULL
    CONSTRAINT meter_test_asset_check CHECK ((asset <> ''::text))
    CONSTRAINT meter_test_author_check CHECK ((author <> ''::text))
    CONSTRAINT meter_test_check CHECK ((tested > last_tested))
    CONSTRAINT meter_test_contract_fkey FOREIGN KEY (contract) REFERENCES contracts.contract(id)
    CONSTRAINT meter_test_error_check CHECK ((error > ('-1'::integer)::numeric))
    CONSTRAINT meter_test_pkey PRIMARY KEY (id)
    CONSTRAINT meter_test_public_id_key UNIQUE (public_id)
    CONSTRAINT meter_test_register_check CHECK ((register <> ''::text))
    CREATE INDEX meter_test_contract ON contracts.meter_test USING btree (contract, known)
    CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON contracts.meter_test FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change()
    ROW LEVEL SECURITY FORCED
    POLICY api FOR r TO yardstick_api USING (contract IN ( SELECT visible.contract_ids() AS contract_ids))
    POLICY api_states FOR a TO yardstick_api WITH CHECK (contract IN ( SELECT visible.stating_contract_ids() AS stating_contract_ids))
    POLICY worker FOR * TO yardstick_visible, yardstick_worker USING true WITH CHECK true
    GRANT INSERT, SELECT TO yardstick_api
    GRANT INSERT, SELECT TO yardstick_worker
    GRANT SELECT TO yardstick_visible

RELATION contracts.notice
    id bigint NOT NULL GENERATED ALWAYS AS IDENTITY
    public_id text NOT NULL
    contract integer NOT NULL
    kind text NOT NULL
    given timestamp with time zone NOT NULL
    asset text
    clause text
    during tstzrange
    author text NOT NULL
    known bigint NOT NULL
    reason text NOT NULL DEFAULT ''::text
    CONSTRAINT notice_contract_fkey FOREIGN KEY (contract) REFERENCES contracts.contract(id)
    CONSTRAINT notice_kind_check CHECK ((kind = ANY (ARRAY['planned_maintenance'::text, 'alert'::text, 'force_majeure'::text])))
    CONSTRAINT notice_pkey PRIMARY KEY (id)
    CONSTRAINT notice_public_id_key UNIQUE (public_id)
    CREATE INDEX notice_contract ON contracts.notice USING btree (contract, known)
    CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON contracts.notice FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change()
    ROW LEVEL SECURITY FORCED
    POLICY api FOR r TO yardstick_api USING (contract IN ( SELECT visible.contract_ids() AS contract_ids))
    POLICY api_states FOR a TO yardstick_api WITH CHECK (contract IN ( SELECT visible.stating_contract_ids() AS stating_contract_ids))
    POLICY worker FOR * TO yardstick_visible, yardstick_worker USING true WITH CHECK true
    GRANT INSERT, SELECT TO yardstick_api
    GRANT INSERT, SELECT TO yardstick_worker
    GRANT SELECT TO yardstick_visible

RELATION contracts.party
    id integer NOT NULL GENERATED ALWAYS AS IDENTITY
    public_id text NOT NULL
    name text NOT NULL
    created_at timestamp with time zone NOT NULL
    CONSTRAINT party_name_check CHECK ((name <> ''::text))
    CONSTRAINT party_name_key UNIQUE (name)
    CONSTRAINT party_pkey PRIMARY KEY (id)
    CONSTRAINT party_public_id_key UNIQUE (public_id)
    ROW LEVEL SECURITY FORCED
    POLICY api FOR r TO yardstick_api USING ((id = visible.party()) OR (id IN ( SELECT contract_party.party FROM contracts.contract_party)))
    POLICY worker FOR * TO yardstick_visible, yardstick_worker USING true WITH CHECK true
    GRANT INSERT, SELECT TO yardstick_worker
    GRANT SELECT TO yardstick_api
    GRANT SELECT TO yardstick_visible

RELATION contracts.party_asset
    party integer NOT NULL
    asset integer NOT NULL
    contract integer NOT NULL
    during tstzrange NOT NULL
    CONSTRAINT party_asset_asset_fkey FOREIGN KEY (asset) REFERENCES ingest.asset(id)
    CONSTRAINT party_asset_contract_fkey FOREIGN KEY (contract) REFERENCES contracts.contract(id)
    CONSTRAINT party_asset_during_check CHECK ((NOT isempty(during)))
    CONSTRAINT party_asset_party_fkey FOREIGN KEY (party) REFERENCES contracts.party(id)
    CONSTRAINT party_asset_pkey PRIMARY KEY (party, asset, contract, during)
    ROW LEVEL SECURITY FORCED
    POLICY api FOR r TO yardstick_api USING (party = visible.party())
    POLICY worker FOR * TO yardstick_visible, yardstick_worker USING true WITH CHECK true
    GRANT DELETE, INSERT, SELECT TO yardstick_worker
    GRANT SELECT TO yardstick_api
    GRANT SELECT TO yardstick_visible

RELATION contracts.pause
    id bigint NOT NULL GENERATED ALWAYS AS IDENTITY
    public_id text NOT NULL
    contract integer NOT NULL
    ticket text NOT NULL
    during tstzrange NOT NULL
    cause text NOT NULL
    author text NOT NULL
    reason text NOT NULL
    known bigint NOT NULL
    CONSTRAINT pause_author_check CHECK ((author <> ''::text))
    CONSTRAINT pause_cause_check CHECK ((cause <> ''::text))
    CONSTRAINT pause_contract_ticket_fkey FOREIGN KEY (contract, ticket) REFERENCES contracts.ticket(contract, ticket)
    CONSTRAINT pause_during_check CHECK (((NOT isempty(during)) AND (NOT lower_inf(during))))
    CONSTRAINT pause_pkey PRIMARY KEY (id)
    CONSTRAINT pause_public_id_key UNIQUE (public_id)
    CREATE INDEX pause_contract ON contracts.pause USING btree (contract, known)
    CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON contracts.pause FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change()
    ROW LEVEL SECURITY FORCED
    POLICY api FOR r TO yardstick_api USING (contract IN ( SELECT visible.contract_ids() AS contract_ids))
    POLICY api_states FOR a TO yardstick_api WITH CHECK (contract IN ( SELECT visible.stating_contract_ids() AS stating_contract_ids))
    POLICY worker FOR * TO yardstick_visible, yardstick_worker USING true WITH CHECK true
    GRANT INSERT, SELECT TO yardstick_api
    GRANT INSERT, SELECT TO yardstick_worker
    GRANT SELECT TO yardstick_visible

RELATION contracts.period
    id bigint NOT NULL GENERATED ALWAYS AS IDENTITY
    contract integer NOT NULL
    label text NOT NULL
    starts_at timestamp with time zone NOT NULL
    ends_at timestamp with time zone NOT NULL
    cutoff_at timestamp with time zone NOT NULL
    closed_at timestamp with time zone
    evaluation bigint
    checked bigint
    CONSTRAINT period_check CHECK ((ends_at > starts_at))
    CONSTRAINT period_check1 CHECK ((cutoff_at >= ends_at))
    CONSTRAINT period_check2 CHECK (((closed_at IS NULL) = (evaluation IS NULL)))
    CONSTRAINT period_contract_fkey FOREIGN KEY (contract) REFERENCES contracts.contract(id)
    CONSTRAINT period_contract_label_key UNIQUE (contract, label)
    CONSTRAINT period_contract_tstzrange_excl EXCLUDE USING gist (contract WITH =, tstzrange(starts_at, ends_at) WITH &&)
    CONSTRAINT period_evaluation_fkey FOREIGN KEY (evaluation) REFERENCES contracts.evaluation(id)
    CONSTRAINT period_pkey PRIMARY KEY (id)
    CREATE INDEX period_due ON contracts.period USING btree (cutoff_at) WHERE (closed_at IS NULL)
    ROW LEVEL SECURITY FORCED
    POLICY api FOR r TO yardstick_api USING (contract IN ( SELECT visible.contract_ids() AS contract_ids))
    POLICY worker FOR * TO yardstick_visible, yardstick_worker USING true WITH CHECK true
    GRANT INSERT, SELECT TO yardstick_worker
    GRANT SELECT TO yardstick_api
    GRANT SELECT TO yardstick_visible

RELATION contracts.quantity
    id bigint NOT NULL GENERATED ALWAYS AS IDENTITY
    public_id text NOT NULL
    contract integer NOT NULL
    owner text NOT NULL
    measure text NOT NULL
    during tstzrange NOT NULL
    quantity numeric NOT NULL
    unit text NOT NULL
    weight_class text NOT NULL
    dimensions jsonb NOT NULL
    coverage numeric
    estimated boolean NOT NULL
    author text NOT NULL
    reason text NOT NULL
    known bigint NOT NULL
    CONSTRAINT quantity_author_check CHECK ((author <> ''::text))
    CONSTRAINT quantity_contract_fkey FOREIGN KEY (contract) REFERENCES contracts.contract(id)
    CONSTRAINT quantity_coverage_check CHECK (((coverage >= (0)::numeric) AND (coverage <= (1)::numeric)))
    CONSTRAINT quantity_during_check CHECK (((NOT isempty(during)) AND (NOT lower_inf(during)) AND (NOT upper_inf(during))))
    CONSTRAINT quantity_measure_check CHECK ((measure <> ''::text))
    CONSTRAINT quantity_owner_check CHECK ((owner <> ''::text))
    CONSTRAINT quantity_pkey PRIMARY KEY (id)
    CONSTRAINT quantity_public_id_key UNIQUE (public_id)
    CREATE INDEX quantity_contract ON contracts.quantity USING btree (contract, known)
    CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON contracts.quantity FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change()
    ROW LEVEL SECURITY FORCED
    POLICY api FOR r TO yardstick_api USING ((contract IN ( SELECT visible.billed_contract_ids() AS billed_contract_ids)) OR (contract IN ( SELECT visible.stating_contract_ids() AS stating_contract_ids)))
    POLICY api_states FOR a TO yardstick_api WITH CHECK (contract IN ( SELECT visible.stating_contract_ids() AS stating_contract_ids))
    POLICY worker FOR * TO yardstick_visible, yardstick_worker USING true WITH CHECK true
    GRANT INSERT, SELECT TO yardstick_api
    GRANT INSERT, SELECT TO yardstick_worker
    GRANT SELECT TO yardstick_visible

RELATION contracts.reported_state
    id bigint NOT NULL GENERATED ALWAYS AS IDENTITY
    public_id text NOT NULL
    contract integer NOT NULL
    asset text NOT NULL
    during tstzrange NOT NULL
    category text NOT NULL
    subsystem text NOT NULL
    cause text NOT NULL
    performance numeric
    author text NOT NULL
    reason text NOT NULL
    known bigint NOT NULL
    CONSTRAINT reported_state_asset_check CHECK ((asset <> ''::text))
    CONSTRAINT reported_state_author_check CHECK ((author <> ''::text))
    CONSTRAINT reported_state_contract_fkey FOREIGN KEY (contract) REFERENCES contracts.contract(id)
    CONSTRAINT reported_state_during_check CHECK (((NOT isempty(during)) AND (NOT lower_inf(during)) AND (NOT upper_inf(during))))
    CONSTRAINT reported_state_performance_check CHECK (((performance >= (0)::numeric) AND (performance <= (1)::numeric)))
    CONSTRAINT reported_state_pkey PRIMARY KEY (id)
    CONSTRAINT reported_state_public_id_key UNIQUE (public_id)
    CREATE INDEX reported_state_contract ON contracts.reported_state USING btree (contract, known)
    CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON contracts.reported_state FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change()
    ROW LEVEL SECURITY FORCED
    POLICY api FOR r TO yardstick_api USING (contract IN ( SELECT visible.contract_ids() AS contract_ids))
    POLICY api_states FOR a TO yardstick_api WITH CHECK (contract IN ( SELECT visible.stating_contract_ids() AS stating_contract_ids))
    POLICY worker FOR * TO yardstick_visible, yardstick_worker USING true WITH CHECK true
    GRANT INSERT, SELECT TO yardstick_api
    GRANT INSERT, SELECT TO yardstick_worker
    GRANT SELECT TO yardstick_visible

RELATION contracts.standing
    contract integer NOT NULL
    period bigint NOT NULL
    until timestamp with time zone NOT NULL
    known bigint NOT NULL
    evaluated_at timestamp with time zone NOT NULL
    result jsonb NOT NULL
    moves boolean NOT NULL DEFAULT true
    CONSTRAINT standing_contract_fkey FOREIGN KEY (contract) REFERENCES contracts.contract(id)
    CONSTRAINT standing_period_fkey FOREIGN KEY (period) REFERENCES contracts.period(id)
    CONSTRAINT standing_pkey PRIMARY KEY (contract)
    ROW LEVEL SECURITY FORCED
    POLICY api FOR r TO yardstick_api USING (contract IN ( SELECT visible.billed_contract_ids() AS billed_contract_ids))
    POLICY worker FOR * TO yardstick_visible, yardstick_worker USING true WITH CHECK true
    GRANT INSERT, SELECT, UPDATE TO yardstick_worker
    GRANT SELECT TO yardstick_api
    GRANT SELECT TO yardstick_visible

RELATION contracts.substitute
    id bigint NOT NULL GENERATED ALWAYS AS IDENTITY
    public_id text NOT NULL
    contract integer NOT NULL
    asset text NOT NULL
    during tstzrange NOT NULL
    author text NOT NULL
    reason text NOT NULL
    known bigint NOT NULL
    CONSTRAINT substitute_asset_check CHECK ((asset <> ''::text))
    CONSTRAINT substitute_author_check CHECK ((author <> ''::text))
    CONSTRAINT substitute_contract_fkey FOREIGN KEY (contract) REFERENCES contracts.contract(id)
    CONSTRAINT substitute_during_check CHECK (((NOT isempty(during)) AND (NOT lower_inf(during)) AND (NOT upper_inf(during))))
    CONSTRAINT substitute_pkey PRIMARY KEY (id)
    CONSTRAINT substitute_public_id_key UNIQUE (public_id)
    CREATE INDEX substitute_contract ON contracts.substitute USING btree (contract, known)
    CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON contracts.substitute FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change()
    ROW LEVEL SECURITY FORCED
    POLICY api FOR r TO yardstick_api USING (contract IN ( SELECT visible.contract_ids() AS contract_ids))
    POLICY api_states FOR a TO yardstick_api WITH CHECK (contract IN ( SELECT visible.stating_contract_ids() AS stating_contract_ids))
    POLICY worker FOR * TO yardstick_visible, yardstick_worker USING true WITH CHECK true
    GRANT INSERT, SELECT TO yardstick_api
    GRANT INSERT, SELECT TO yardstick_worker
    GRANT SELECT TO yardstick_visible

RELATION contracts.ticket
    id bigint NOT NULL GENERATED ALWAYS AS IDENTITY
    public_id text NOT NULL
    contract integer NOT NULL
    ticket text NOT NULL
    asset text NOT NULL
    subsystem text NOT NULL
    author text NOT NULL
    reason text NOT NULL
    known bigint NOT NULL
    CONSTRAINT ticket_asset_check CHECK ((asset <> ''::text))
    CONSTRAINT ticket_author_check CHECK ((author <> ''::text))
    CONSTRAINT ticket_contract_fkey FOREIGN KEY (contract) REFERENCES contracts.contract(id)
    CONSTRAINT ticket_contract_ticket_key UNIQUE (contract, ticket)
    CONSTRAINT ticket_pkey PRIMARY KEY (id)
    CONSTRAINT ticket_public_id_key UNIQUE (public_id)
    CONSTRAINT ticket_ticket_check CHECK ((ticket <> ''::text))
    CREATE INDEX ticket_contract ON contracts.ticket USING btree (contract, known)
    CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON contracts.ticket FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change()
    ROW LEVEL SECURITY FORCED
    POLICY api FOR r TO yardstick_api USING (contract IN ( SELECT visible.contract_ids() AS contract_ids))
    POLICY api_states FOR a TO yardstick_api WITH CHECK (contract IN ( SELECT visible.contract_ids() AS contract_ids))
    POLICY worker FOR * TO yardstick_visible, yardstick_worker USING true WITH CHECK true
    GRANT INSERT, SELECT TO yardstick_api
    GRANT INSERT, SELECT TO yardstick_worker
    GRANT SELECT TO yardstick_visible

RELATION contracts.ticket_time
    id bigint NOT NULL GENERATED ALWAYS AS IDENTITY
    public_id text NOT NULL
    contract integer NOT NULL
    ticket text NOT NULL
    moment text NOT NULL
    at timestamp with time zone
    author text NOT NULL
    reason text NOT NULL
    known bigint NOT NULL
    CONSTRAINT ticket_time_author_check CHECK ((author <> ''::text))
    CONSTRAINT ticket_time_contract_ticket_fkey FOREIGN KEY (contract, ticket) REFERENCES contracts.ticket(contract, ticket)
    CONSTRAINT ticket_time_moment_check CHECK ((moment = ANY (ARRAY['reported'::text, 'opened'::text, 'arrived'::text, 'on_site'::text, 'fixed'::text, 'closed'::text])))
    CONSTRAINT ticket_time_pkey PRIMARY KEY (id)
    CONSTRAINT ticket_time_public_id_key UNIQUE (public_id)
    CREATE INDEX ticket_time_contract ON contracts.ticket_time USING btree (contract, known)
    CREATE INDEX ticket_time_moment ON contracts.ticket_time USING btree (contract, ticket, moment)
    CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON contracts.ticket_time FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change()
    ROW LEVEL SECURITY FORCED
    POLICY api FOR r TO yardstick_api USING (contract IN ( SELECT visible.contract_ids() AS contract_ids))
    POLICY api_states FOR a TO yardstick_api WITH CHECK (contract IN ( SELECT visible.contract_ids() AS contract_ids))
    POLICY worker FOR * TO yardstick_visible, yardstick_worker USING true WITH CHECK true
    GRANT INSERT, SELECT TO yardstick_api
    GRANT INSERT, SELECT TO yardstick_worker
    GRANT SELECT TO yardstick_visible

RELATION contracts.unmet
    id bigint NOT NULL GENERATED ALWAYS AS IDENTITY
    public_id text NOT NULL
    contract integer NOT NULL
    clause text NOT NULL
    asset text NOT NULL
    during tstzrange NOT NULL
    author text NOT NULL
    reason text NOT NULL
    known bigint NOT NULL
    CONSTRAINT unmet_asset_check CHECK ((asset <> ''::text))
    CONSTRAINT unmet_author_check CHECK ((author <> ''::text))
    CONSTRAINT unmet_clause_check CHECK ((clause <> ''::text))
    CONSTRAINT unmet_contract_fkey FOREIGN KEY (contract) REFERENCES contracts.contract(id)
    CONSTRAINT unmet_during_check CHECK (((NOT isempty(during)) AND (NOT lower_inf(during)) AND (NOT upper_inf(during))))
    CONSTRAINT unmet_pkey PRIMARY KEY (id)
    CONSTRAINT unmet_public_id_key UNIQUE (public_id)
    CREATE INDEX unmet_contract ON contracts.unmet USING btree (contract, known)
    CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON contracts.unmet FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change()
    ROW LEVEL SECURITY FORCED
    POLICY api FOR r TO yardstick_api USING (contract IN ( SELECT visible.contract_ids() AS contract_ids))
    POLICY api_states FOR a TO yardstick_api WITH CHECK (contract IN ( SELECT visible.stating_contract_ids() AS stating_contract_ids))
    POLICY worker FOR * TO yardstick_visible, yardstick_worker USING true WITH CHECK true
    GRANT INSERT, SELECT TO yardstick_api
    GRANT INSERT, SELECT TO yardstick_worker
    GRANT SELECT TO yardstick_visible

RELATION contracts.version
    id integer NOT NULL GENERATED ALWAYS AS IDENTITY
    contract integer NOT NULL
    version integer NOT NULL
    effective_from timestamp with time zone NOT NULL
    recorded_at timestamp with time zone NOT NULL
    document text NOT NULL
    source text NOT NULL
    content_hash text NOT NULL
    known bigint NOT NULL
    CONSTRAINT version_contract_effective_from_key UNIQUE (contract, effective_from)
    CONSTRAINT version_contract_fkey FOREIGN KEY (contract) REFERENCES contracts.contract(id)
    CONSTRAINT version_contract_version_key UNIQUE (contract, version)
    CONSTRAINT version_pkey PRIMARY KEY (id)
    CONSTRAINT version_version_check CHECK ((version > 0))
    CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON contracts.version FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change()
    ROW LEVEL SECURITY FORCED
    POLICY api FOR r TO yardstick_api USING (contract IN ( SELECT visible.billed_contract_ids() AS billed_contract_ids))
    POLICY worker FOR * TO yardstick_visible, yardstick_worker USING true WITH CHECK true
    GRANT INSERT, SELECT TO yardstick_worker
    GRANT SELECT TO yardstick_api
    GRANT SELECT TO yardstick_visible

RELATION contracts.withdrawal
    fact text NOT NULL
    contract integer
    instead text
    author text NOT NULL
    reason text NOT NULL
    known bigint NOT NULL
    CONSTRAINT withdrawal_author_check CHECK ((author <> ''::text))
    CONSTRAINT withdrawal_contract_fkey FOREIGN KEY (contract) REFERENCES contracts.contract(id)
    CONSTRAINT withdrawal_pkey PRIMARY KEY (fact)
    CONSTRAINT withdrawal_reason_check CHECK ((reason <> ''::text))
    CREATE INDEX withdrawal_contract ON contracts.withdrawal USING btree (contract, known)
    CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON contracts.withdrawal FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change()
    ROW LEVEL SECURITY FORCED
    POLICY api FOR r TO yardstick_api USING ((contract IS NULL) OR (contract IN ( SELECT visible.contract_ids() AS contract_ids)))
    POLICY api_states FOR a TO yardstick_api WITH CHECK ((contract IN ( SELECT visible.stating_contract_ids() AS stating_contract_ids)) OR ((contract IS NULL) AND (EXISTS ( SELECT visible.stating_contract_ids() AS stating_contract_ids))))
    POLICY worker FOR * TO yardstick_visible, yardstick_worker USING true WITH CHECK true
    GRANT INSERT, SELECT TO yardstick_api
    GRANT INSERT, SELECT TO yardstick_worker
    GRANT SELECT TO yardstick_visible

RELATION core.audit
    id bigint NOT NULL GENERATED ALWAYS AS IDENTITY
    at timestamp with time zone NOT NULL
    actor text NOT NULL
    action text NOT NULL
    object text NOT NULL
    detail jsonb NOT NULL DEFAULT '{}'::jsonb
    CONSTRAINT audit_action_check CHECK ((action <> ''::text))
    CONSTRAINT audit_actor_check CHECK ((actor <> ''::text))
    CONSTRAINT audit_pkey PRIMARY KEY (id)
    CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON core.audit FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change()
    GRANT INSERT, SELECT TO yardstick_api
    GRANT INSERT, SELECT TO yardstick_worker

RELATION core.knowledge
    one boolean NOT NULL DEFAULT true
    n bigint NOT NULL DEFAULT 0
    CONSTRAINT knowledge_one_check CHECK (one)
    CONSTRAINT knowledge_pkey PRIMARY KEY (one)
    GRANT SELECT, UPDATE TO yardstick_api
    GRANT SELECT, UPDATE TO yardstick_worker

RELATION core.knowledge_at
    n bigint NOT NULL
    at timestamp with time zone NOT NULL
    CONSTRAINT knowledge_at_pkey PRIMARY KEY (n)
    CREATE INDEX knowledge_at_at ON core.knowledge_at USING btree (at)
    CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON core.knowledge_at FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change()
    GRANT INSERT, SELECT TO yardstick_api
    GRANT INSERT, SELECT TO yardstick_worker

RELATION core.outbox
    id bigint NOT NULL GENERATED ALWAYS AS IDENTITY
    at timestamp with time zone NOT NULL
    topic text NOT NULL
    key text NOT NULL
    payload jsonb NOT NULL
    delivered_at timestamp with time zone
    CONSTRAINT outbox_pkey PRIMARY KEY (id)
    CREATE INDEX outbox_waiting ON core.outbox USING btree (id) WHERE (delivered_at IS NULL)
    GRANT INSERT TO yardstick_api
    GRANT INSERT, SELECT, UPDATE TO yardstick_worker

RELATION ingest.alarm
    id bigint NOT NULL GENERATED ALWAYS AS IDENTITY
    at timestamp with time zone NOT NULL
    kind text NOT NULL
    client text NOT NULL
    detail jsonb NOT NULL DEFAULT '{}'::jsonb
    CONSTRAINT alarm_kind_check CHECK ((kind ~ '^[a-z0-9_]+$'::text))
    CONSTRAINT alarm_pkey PRIMARY KEY (id)
    CREATE INDEX alarm_kind ON ingest.alarm USING btree (kind, at DESC)
    CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON ingest.alarm FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change()
    ROW LEVEL SECURITY FORCED
    POLICY api FOR r TO yardstick_api USING visible.operates()
    POLICY worker FOR * TO yardstick_visible, yardstick_worker USING true WITH CHECK true
    GRANT INSERT, SELECT TO yardstick_worker
    GRANT SELECT TO yardstick_api
    GRANT SELECT TO yardstick_visible

RELATION ingest.asset
    id integer NOT NULL GENERATED ALWAYS AS IDENTITY
    public_id text NOT NULL
    name text NOT NULL
    kind text NOT NULL
    site text NOT NULL DEFAULT ''::text
    created_at timestamp with time zone NOT NULL
    CONSTRAINT asset_name_check CHECK ((name <> ''::text))
    CONSTRAINT asset_name_key UNIQUE (name)
    CONSTRAINT asset_pkey PRIMARY KEY (id)
    CONSTRAINT asset_public_id_key UNIQUE (public_id)
    ROW LEVEL SECURITY FORCED
    POLICY api FOR r TO yardstick_api USING ((id IN ( SELECT visible.asset_ids() AS asset_ids)) OR visible.operates())
    POLICY worker FOR * TO yardstick_visible, yardstick_worker USING true WITH CHECK true
    GRANT INSERT, SELECT TO yardstick_worker
    GRANT SELECT TO yardstick_api
    GRANT SELECT TO yardstick_visible

RELATION ingest.backfill
    id integer NOT NULL GENERATED ALWAYS AS IDENTITY
    public_id text NOT NULL
    opened_at timestamp with time zone NOT NULL
    author text NOT NULL
    reason text NOT NULL
    since timestamp with time zone
    file text NOT NULL
    identity bytea NOT NULL
    CONSTRAINT backfill_author_check CHECK ((author <> ''::text))
    CONSTRAINT backfill_check CHECK (((since IS NULL) OR (reason <> ''::text)))
    CONSTRAINT backfill_pkey PRIMARY KEY (id)
    CONSTRAINT backfill_public_id_key UNIQUE (public_id)
    CREATE INDEX backfill_identity ON ingest.backfill USING btree (identity)
    CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON ingest.backfill FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change()
    ROW LEVEL SECURITY FORCED
    POLICY api FOR r TO yardstick_api USING visible.operates()
    POLICY worker FOR * TO yardstick_visible, yardstick_worker USING true WITH CHECK true
    GRANT INSERT, SELECT TO yardstick_worker
    GRANT SELECT TO yardstick_api
    GRANT SELECT TO yardstick_visible

RELATION ingest.backfill_change
    backfill integer NOT NULL
    known bigint NOT NULL
    at timestamp with time zone NOT NULL
    status text NOT NULL
    author text NOT NULL
    reason text NOT NULL
    CONSTRAINT backfill_change_author_check CHECK ((author <> ''::text))
    CONSTRAINT backfill_change_backfill_fkey FOREIGN KEY (backfill) REFERENCES ingest.backfill(id)
    CONSTRAINT backfill_change_pkey PRIMARY KEY (backfill, known)
    CONSTRAINT backfill_change_status_check CHECK ((status = ANY (ARRAY['closed'::text, 'reverted'::text])))
    CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON ingest.backfill_change FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change()
    ROW LEVEL SECURITY FORCED
    POLICY api FOR r TO yardstick_api USING visible.operates()
    POLICY worker FOR * TO yardstick_visible, yardstick_worker USING true WITH CHECK true
    GRANT INSERT, SELECT TO yardstick_worker
    GRANT SELECT TO yardstick_api
    GRANT SELECT TO yardstick_visible

RELATION ingest.backfill_step
    known bigint NOT NULL
    backfill integer NOT NULL
    kind text NOT NULL
    after bigint NOT NULL
    upto bigint NOT NULL
    first_at timestamp with time zone
    last_at timestamp with time zone
    CONSTRAINT backfill_step_backfill_fkey FOREIGN KEY (backfill) REFERENCES ingest.backfill(id)
    CONSTRAINT backfill_step_check CHECK (((kind <> 'import'::text) OR (upto > after)))
    CONSTRAINT backfill_step_kind_check CHECK ((kind = ANY (ARRAY['import'::text, 'void'::text, 'restore'::text])))
    CONSTRAINT backfill_step_pkey PRIMARY KEY (known)
    CREATE INDEX backfill_step_backfill ON ingest.backfill_step USING btree (backfill)
    CREATE UNIQUE INDEX backfill_step_once ON ingest.backfill_step USING btree (backfill, after) WHERE (kind = 'import'::text)
    CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON ingest.backfill_step FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change()
    ROW LEVEL SECURITY FORCED
    POLICY api FOR r TO yardstick_api USING visible.operates()
    POLICY worker FOR * TO yardstick_visible, yardstick_worker USING true WITH CHECK true
    GRANT INSERT, SELECT TO yardstick_worker
    GRANT SELECT TO yardstick_api
    GRANT SELECT TO yardstick_visible

RELATION ingest.batch
    known bigint NOT NULL
    at timestamp with time zone NOT NULL
    client text NOT NULL
    messages integer NOT NULL
    received integer NOT NULL
    stored integer NOT NULL
    duplicate integer NOT NULL
    quarantined integer NOT NULL
    first_at timestamp with time zone
    CONSTRAINT batch_check CHECK ((received = ((stored + duplicate) + quarantined)))
    CONSTRAINT batch_pkey PRIMARY KEY (known)
    CREATE INDEX batch_at ON ingest.batch USING btree (at)
    CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON ingest.batch FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change()
    ROW LEVEL SECURITY FORCED
    POLICY api FOR r TO yardstick_api USING visible.operates()
    POLICY worker FOR * TO yardstick_visible, yardstick_worker USING true WITH CHECK true
    GRANT INSERT, SELECT TO yardstick_worker
    GRANT SELECT TO yardstick_api
    GRANT SELECT TO yardstick_visible

RELATION ingest.binding
    id integer NOT NULL GENERATED ALWAYS AS IDENTITY
    device integer NOT NULL
    asset integer NOT NULL
    "position" text NOT NULL
    during tstzrange NOT NULL
    evidence text NOT NULL DEFAULT ''::text
    known bigint NOT NULL
    superseded bigint
    CONSTRAINT binding_asset_fkey FOREIGN KEY (asset) REFERENCES ingest.asset(id)
    CONSTRAINT binding_check CHECK ((superseded > known))
    CONSTRAINT binding_device EXCLUDE USING gist (device WITH =, during WITH &&) WHERE ((superseded IS NULL))
    CONSTRAINT binding_device_fkey FOREIGN KEY (device) REFERENCES ingest.device(id)
    CONSTRAINT binding_during_check CHECK (((NOT isempty(during)) AND lower_inc(during) AND (NOT upper_inc(during))))
    CONSTRAINT binding_pkey PRIMARY KEY (id)
    CONSTRAINT binding_place EXCLUDE USING gist (asset WITH =, "position" WITH =, during WITH &&) WHERE ((superseded IS NULL))
    CONSTRAINT binding_position_check CHECK (("position" ~ '^[A-Za-z0-9._-]{1,64}$'::text))
    CREATE INDEX binding_asset ON ingest.binding USING btree (asset, "position")
    CREATE INDEX binding_of_device ON ingest.binding USING btree (device)
    CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON ingest.binding FOR EACH ROW EXECUTE FUNCTION ingest.refuse_rewriting()
    ROW LEVEL SECURITY FORCED
    POLICY api FOR r TO yardstick_api USING ((asset IN ( SELECT visible.asset_ids() AS asset_ids)) OR visible.operates())
    POLICY worker FOR * TO yardstick_visible, yardstick_worker USING true WITH CHECK true
    GRANT INSERT, SELECT TO yardstick_worker
    GRANT SELECT TO yardstick_api
    GRANT SELECT TO yardstick_visible

RELATION ingest.binding_value
    binding integer NOT NULL
    register integer NOT NULL
    opening bigint
    closing bigint
    CONSTRAINT binding_value_binding_fkey FOREIGN KEY (binding) REFERENCES ingest.binding(id)
    CONSTRAINT binding_value_pkey PRIMARY KEY (binding, register)
    CONSTRAINT binding_value_register_fkey FOREIGN KEY (register) REFERENCES ingest.register(id)
    CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON ingest.binding_value FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change()
    ROW LEVEL SECURITY FORCED
    POLICY api FOR r TO yardstick_api USING (binding IN ( SELECT binding.id FROM ingest.binding))
    POLICY worker FOR * TO yardstick_visible, yardstick_worker USING true WITH CHECK true
    GRANT INSERT, SELECT TO yardstick_worker
    GRANT SELECT TO yardstick_api
    GRANT SELECT TO yardstick_visible

RELATION ingest.boot
    device integer NOT NULL
    boot text NOT NULL
    seq bigint NOT NULL
    at timestamp with time zone NOT NULL
    known bigint NOT NULL
    CONSTRAINT boot_device_fkey FOREIGN KEY (device) REFERENCES ingest.device(id)
    CONSTRAINT boot_pkey PRIMARY KEY (device, boot, seq)
    CONSTRAINT boot_seq_check CHECK ((seq > 0))
    CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON ingest.boot FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change()
    ROW LEVEL SECURITY FORCED
    POLICY api FOR r TO yardstick_api USING (visible.operates() OR (device IN ( SELECT device.id FROM ingest.device)))
    POLICY worker FOR * TO yardstick_visible, yardstick_worker USING true WITH CHECK true
    GRANT INSERT, SELECT TO yardstick_worker
    GRANT SELECT TO yardstick_api
    GRANT SELECT TO yardstick_visible

RELATION ingest.certificate
    serial text NOT NULL
    name text NOT NULL
    kind text NOT NULL
    issuer text NOT NULL
    not_after timestamp with time zone NOT NULL
    created_at timestamp with time zone NOT NULL
    author text NOT NULL
    revoked_at timestamp with time zone
    CONSTRAINT certificate_author_check CHECK ((author <> ''::text))
    CONSTRAINT certificate_kind_check CHECK ((kind = ANY (ARRAY['device'::text, 'ingester'::text])))
    CONSTRAINT certificate_name_check CHECK ((name ~ '^[A-Za-z0-9._-]{1,64}$'::text))
    CONSTRAINT certificate_pkey PRIMARY KEY (serial)
    CONSTRAINT certificate_serial_check CHECK ((serial ~ '^[0-9a-f]{2,40}$'::text))
    CREATE INDEX certificate_name ON ingest.certificate USING btree (name)
    ROW LEVEL SECURITY FORCED
    POLICY worker FOR * TO yardstick_worker USING true WITH CHECK true
    GRANT INSERT, SELECT TO yardstick_worker

RELATION ingest.cloud_event
    identity bytea NOT NULL
    content bytea NOT NULL
    known bigint NOT NULL
    CONSTRAINT cloud_event_pkey PRIMARY KEY (identity)
    CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON ingest.cloud_event FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change()
    ROW LEVEL SECURITY FORCED
    POLICY api FOR r TO yardstick_api USING visible.operates()
    POLICY worker FOR * TO yardstick_visible, yardstick_worker USING true WITH CHECK true
    GRANT INSERT, SELECT TO yardstick_worker
    GRANT SELECT TO yardstick_api
    GRANT SELECT TO yardstick_visible

RELATION ingest.credential
    name text NOT NULL
    kind text NOT NULL
    hash text NOT NULL
    created_at timestamp with time zone NOT NULL
    author text NOT NULL
    revoked_at timestamp with time zone
    CONSTRAINT credential_author_check CHECK ((author <> ''::text))
    CONSTRAINT credential_kind_check CHECK ((kind = ANY (ARRAY['device'::text, 'ingester'::text])))
    CONSTRAINT credential_name_check CHECK ((name ~ '^[A-Za-z0-9._-]{1,64}$'::text))
    CONSTRAINT credential_pkey PRIMARY KEY (name)
    ROW LEVEL SECURITY FORCED
    POLICY worker FOR * TO yardstick_worker USING true WITH CHECK true
    GRANT INSERT, SELECT TO yardstick_worker

RELATION ingest.declaration
    register integer NOT NULL
    known bigint NOT NULL
    minimum bigint
    maximum bigint
    modulus bigint
    tolerance bigint NOT NULL DEFAULT 0
    max_rate numeric
    max_gap interval
    silence_limit interval
    glitch_window interval
    noise_band bigint NOT NULL DEFAULT 0
    refill_threshold bigint
    every interval
    cross_checks jsonb NOT NULL DEFAULT '[]'::jsonb
    resets_at_boot boolean NOT NULL DEFAULT false
    CONSTRAINT declaration_cross_checks_check CHECK ((jsonb_typeof(cross_checks) = 'array'::text))
    CONSTRAINT declaration_every_check CHECK ((every > '00:00:00'::interval))
    CONSTRAINT declaration_glitch_window_check CHECK ((glitch_window > '00:00:00'::interval))
    CONSTRAINT declaration_max_gap_check CHECK ((max_gap > '00:00:00'::interval))
    CONSTRAINT declaration_max_rate_check CHECK ((max_rate > (0)::numeric))
    CONSTRAINT declaration_modulus_check CHECK ((modulus > 0))
    CONSTRAINT declaration_noise_band_check CHECK ((noise_band >= 0))
    CONSTRAINT declaration_pkey PRIMARY KEY (register, known)
    CONSTRAINT declaration_refill_threshold_check CHECK ((refill_threshold >= 0))
    CONSTRAINT declaration_register_fkey FOREIGN KEY (register) REFERENCES ingest.register(id)
    CONSTRAINT declaration_silence_limit_check CHECK ((silence_limit > '00:00:00'::interval))
    CONSTRAINT declaration_tolerance_check CHECK ((tolerance >= 0))
    CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON ingest.declaration FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change()
    ROW LEVEL SECURITY FORCED
    POLICY api FOR r TO yardstick_api USING (visible.operates() OR (register IN ( SELECT register.id FROM ingest.register)))
    POLICY worker FOR * TO yardstick_visible, yardstick_worker USING true WITH CHECK true
    GRANT INSERT, SELECT TO yardstick_worker
    GRANT SELECT TO yardstick_api
    GRANT SELECT TO yardstick_visible

RELATION ingest.device
    id integer NOT NULL GENERATED ALWAYS AS IDENTITY
    public_id text NOT NULL
    name text NOT NULL
    model text NOT NULL
    created_at timestamp with time zone NOT NULL
    CONSTRAINT device_name_check CHECK ((name ~ '^[A-Za-z0-9._-]{1,64}$'::text))
    CONSTRAINT device_name_key UNIQUE (name)
    CONSTRAINT device_pkey PRIMARY KEY (id)
    CONSTRAINT device_public_id_key UNIQUE (public_id)
    ROW LEVEL SECURITY FORCED
    POLICY api FOR r TO yardstick_api USING (visible.operates() OR (id IN ( SELECT binding.device FROM ingest.binding)))
    POLICY worker FOR * TO yardstick_visible, yardstick_worker USING true WITH CHECK true
    GRANT INSERT, SELECT TO yardstick_worker
    GRANT SELECT TO yardstick_api
    GRANT SELECT TO yardstick_visible

RELATION ingest.epoch
    register integer NOT NULL
    at timestamp with time zone NOT NULL
    closing bigint
    opening bigint
    void boolean NOT NULL DEFAULT false
    known bigint NOT NULL
    author text NOT NULL
    reason text NOT NULL
    CONSTRAINT epoch_author_check CHECK ((author <> ''::text))
    CONSTRAINT epoch_pkey PRIMARY KEY (register, at, known)
    CONSTRAINT epoch_reason_check CHECK ((reason <> ''::text))
    CONSTRAINT epoch_register_fkey FOREIGN KEY (register) REFERENCES ingest.register(id)
    CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON ingest.epoch FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change()
    ROW LEVEL SECURITY FORCED
    POLICY api FOR r TO yardstick_api USING (visible.operates() OR (register IN ( SELECT register.id FROM ingest.register)))
    POLICY worker FOR * TO yardstick_visible, yardstick_worker USING true WITH CHECK true
    GRANT INSERT, SELECT TO yardstick_worker
    GRANT SELECT TO yardstick_api
    GRANT SELECT TO yardstick_visible

RELATION ingest.estimate
    register integer NOT NULL
    during tstzrange NOT NULL
    ticks bigint
    method text NOT NULL
    known bigint NOT NULL
    author text NOT NULL
    reason text NOT NULL
    CONSTRAINT estimate_author_check CHECK ((author <> ''::text))
    CONSTRAINT estimate_during_check CHECK (((NOT isempty(during)) AND lower_inc(during) AND (NOT upper_inc(during))))
    CONSTRAINT estimate_method_check CHECK ((method <> ''::text))
    CONSTRAINT estimate_pkey PRIMARY KEY (register, during, known)
    CONSTRAINT estimate_reason_check CHECK ((reason <> ''::text))
    CONSTRAINT estimate_register_fkey FOREIGN KEY (register) REFERENCES ingest.register(id)
    CONSTRAINT estimate_ticks_check CHECK ((ticks >= 0))
    CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON ingest.estimate FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change()
    ROW LEVEL SECURITY FORCED
    POLICY api FOR r TO yardstick_api USING (visible.operates() OR (register IN ( SELECT register.id FROM ingest.register)))
    POLICY worker FOR * TO yardstick_visible, yardstick_worker USING true WITH CHECK true
    GRANT INSERT, SELECT TO yardstick_worker
    GRANT SELECT TO yardstick_api
    GRANT SELECT TO yardstick_visible

RELATION ingest.gauge_hour
    register integer NOT NULL
    hour timestamp with time zone NOT NULL
    known bigint NOT NULL
    superseded bigint
    readings integer NOT NULL
    lowest bigint NOT NULL
    highest bigint NOT NULL
    last_at timestamp with time zone NOT NULL
    last_value bigint NOT NULL
    risen numeric NOT NULL
    fallen numeric NOT NULL
    first_at timestamp with time zone
    area numeric
    longest interval
    CONSTRAINT gauge_hour_check CHECK ((superseded > known))
    CONSTRAINT gauge_hour_pkey PRIMARY KEY (register, hour, known)
    CREATE TRIGGER ts_insert_blocker BEFORE INSERT ON ingest.gauge_hour FOR EACH ROW EXECUTE FUNCTION _timescaledb_functions.insert_blocker()
    GRANT INSERT, SELECT TO yardstick_worker
    GRANT SELECT TO yardstick_visible

RELATION ingest.kept_reading
    register integer NOT NULL
    at timestamp with time zone NOT NULL
    value bigint NOT NULL
    known bigint NOT NULL
    received_at timestamp with time zone NOT NULL
    seq bigint
    time_status "char"
    raw text
    CONSTRAINT kept_reading_pkey PRIMARY KEY (register, at)
    CREATE INDEX kept_reading_known ON ingest.kept_reading USING brin (known)
    CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON ingest.kept_reading FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change()
    ROW LEVEL SECURITY FORCED
    POLICY worker FOR * TO yardstick_visible, yardstick_worker USING true WITH CHECK true
    GRANT INSERT, SELECT TO yardstick_worker
    GRANT SELECT TO yardstick_visible

RELATION ingest.latest
    register integer NOT NULL
    at timestamp with time zone NOT NULL
    value bigint NOT NULL
    received_at timestamp with time zone NOT NULL
    CONSTRAINT latest_pkey PRIMARY KEY (register)
    CONSTRAINT latest_register_fkey FOREIGN KEY (register) REFERENCES ingest.register(id)
    ROW LEVEL SECURITY FORCED
    POLICY api FOR r TO yardstick_api USING (visible.operates() OR (register IN ( SELECT visible.latest_registers() AS latest_registers)))
    POLICY worker FOR * TO yardstick_visible, yardstick_worker USING true WITH CHECK true
    GRANT INSERT, SELECT, UPDATE TO yardstick_worker
    GRANT SELECT TO yardstick_api
    GRANT SELECT TO yardstick_visible

RELATION ingest.mounting
    id integer NOT NULL GENERATED ALWAYS AS IDENTITY
    component integer NOT NULL
    asset integer NOT NULL
    "position" text NOT NULL
    during tstzrange NOT NULL
    evidence text NOT NULL DEFAULT ''::text
    author text NOT NULL
    known bigint NOT NULL
    superseded bigint
    CONSTRAINT mounting_asset_fkey FOREIGN KEY (asset) REFERENCES ingest.asset(id)
    CONSTRAINT mounting_author_check CHECK ((author <> ''::text))
    CONSTRAINT mounting_check CHECK ((superseded > known))
    CONSTRAINT mounting_check1 CHECK ((component <> asset))
    CONSTRAINT mounting_component EXCLUDE USING gist (component WITH =, during WITH &&) WHERE ((superseded IS NULL))
    CONSTRAINT mounting_component_fkey FOREIGN KEY (component) REFERENCES ingest.asset(id)
    CONSTRAINT mounting_during_check CHECK (((NOT isempty(during)) AND lower_inc(during) AND (NOT upper_inc(during))))
    CONSTRAINT mounting_pkey PRIMARY KEY (id)
    CONSTRAINT mounting_place EXCLUDE USING gist (asset WITH =, "position" WITH =, during WITH &&) WHERE ((superseded IS NULL))
    CONSTRAINT mounting_position_check CHECK (("position" ~ '^[A-Za-z0-9._-]{1,64}$'::text))
    CREATE INDEX mounting_asset ON ingest.mounting USING btree (asset)
    CREATE INDEX mounting_of_component ON ingest.mounting USING btree (component)
    CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON ingest.mounting FOR EACH ROW EXECUTE FUNCTION ingest.refuse_rewriting()
    ROW LEVEL SECURITY FORCED
    POLICY api FOR r TO yardstick_api USING (visible.operates() OR (asset IN ( SELECT visible.asset_ids() AS asset_ids)) OR (component IN ( SELECT visible.asset_ids() AS asset_ids)))
    POLICY worker FOR * TO yardstick_visible, yardstick_worker USING true WITH CHECK true
    GRANT INSERT, SELECT TO yardstick_worker
    GRANT SELECT TO yardstick_api
    GRANT SELECT TO yardstick_visible

RELATION ingest.node_life
    node text NOT NULL
    received_at timestamp with time zone NOT NULL
    topic text NOT NULL
    payload bytea NOT NULL
    known bigint NOT NULL
    CONSTRAINT node_life_pkey PRIMARY KEY (node, received_at, topic)
    CREATE TRIGGER append_only BEFORE UPDATE OR TRUNCATE ON ingest.node_life FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change()
    ROW LEVEL SECURITY FORCED
    POLICY api FOR r TO yardstick_api USING visible.operates()
    POLICY worker FOR * TO yardstick_visible, yardstick_worker USING true WITH CHECK true
    GRANT DELETE, INSERT, SELECT TO yardstick_worker
    GRANT SELECT TO yardstick_api
    GRANT SELECT TO yardstick_visible

RELATION ingest.quarantine
    topic text NOT NULL
    payload_hash bytea NOT NULL
    item integer NOT NULL
    reason text NOT NULL
    detail text NOT NULL
    payload bytea NOT NULL
    size integer NOT NULL
    device text
    received_at timestamp with time zone NOT NULL
    known bigint NOT NULL
    content_type text NOT NULL DEFAULT ''::text
    properties jsonb NOT NULL DEFAULT '[]'::jsonb
    CONSTRAINT quarantine_pkey PRIMARY KEY (topic, payload_hash, item)
    CONSTRAINT quarantine_properties_check CHECK ((jsonb_typeof(properties) = 'array'::text))
    CONSTRAINT quarantine_reason_check CHECK ((reason ~ '^[a-z0-9_]+$'::text))
    CREATE INDEX quarantine_known ON ingest.quarantine USING brin (known)
    CREATE INDEX quarantine_no_birth ON ingest.quarantine USING btree (device, received_at) WHERE (reason = 'no_birth'::text)
    CREATE INDEX quarantine_recent ON ingest.quarantine USING btree (received_at DESC)
    CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON ingest.quarantine FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change()
    ROW LEVEL SECURITY FORCED
    POLICY api FOR r TO yardstick_api USING visible.operates()
    POLICY worker FOR * TO yardstick_visible, yardstick_worker USING true WITH CHECK true
    GRANT INSERT, SELECT TO yardstick_worker
    GRANT SELECT TO yardstick_api
    GRANT SELECT TO yardstick_visible

RELATION ingest.quarantine_action
    topic text NOT NULL
    payload_hash bytea NOT NULL
    item integer NOT NULL
    action text NOT NULL
    actor text NOT NULL
    note text NOT NULL
    at timestamp with time zone NOT NULL
    known bigint NOT NULL
    register integer
    reading_at timestamp with time zone
    CONSTRAINT quarantine_action_action_check CHECK ((action = ANY (ARRAY['release'::text, 'reject'::text, 'correct'::text, 'replay'::text])))
    CONSTRAINT quarantine_action_actor_check CHECK ((actor <> ''::text))
    CONSTRAINT quarantine_action_pkey PRIMARY KEY (topic, payload_hash, item)
    CONSTRAINT quarantine_action_topic_payload_hash_item_fkey FOREIGN KEY (topic, payload_hash, item) REFERENCES ingest.quarantine(topic, payload_hash, item)
    CREATE INDEX quarantine_action_reading ON ingest.quarantine_action USING btree (register, reading_at)
    CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON ingest.quarantine_action FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change()
    ROW LEVEL SECURITY FORCED
    POLICY api FOR r TO yardstick_api USING visible.operates()
    POLICY worker FOR * TO yardstick_visible, yardstick_worker USING true WITH CHECK true
    GRANT INSERT, SELECT TO yardstick_worker
    GRANT SELECT TO yardstick_api
    GRANT SELECT TO yardstick_visible

RELATION ingest.reading
    register integer NOT NULL
    at timestamp with time zone NOT NULL
    value bigint NOT NULL
    known bigint NOT NULL
    received_at timestamp with time zone NOT NULL
    seq bigint
    time_status "char"
    raw text
    CONSTRAINT reading_at_check CHECK (((at >= '2000-01-01 00:00:00+00'::timestamp with time zone) AND (at < '2100-01-01 00:00:00+00'::timestamp with time zone)))
    CONSTRAINT reading_pkey PRIMARY KEY (register, at)
    CREATE INDEX reading_known ON ingest.reading USING brin (known) WITH (pages_per_range='32', autosummarize='on')
    CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON ingest.reading FOR EACH ROW EXECUTE FUNCTION core.refuse_change()
    CREATE TRIGGER ts_insert_blocker BEFORE INSERT ON ingest.reading FOR EACH ROW EXECUTE FUNCTION _timescaledb_functions.insert_blocker()
    GRANT INSERT, SELECT TO yardstick_worker
    GRANT SELECT TO yardstick_visible

RELATION ingest.reading_override
    register integer NOT NULL
    at timestamp with time zone NOT NULL
    value bigint
    known bigint NOT NULL
    author text NOT NULL
    reason text NOT NULL
    reverts bigint
    CONSTRAINT reading_override_author_check CHECK ((author <> ''::text))
    CONSTRAINT reading_override_pkey PRIMARY KEY (register, at, known)
    CONSTRAINT reading_override_reason_check CHECK ((reason <> ''::text))
    CREATE INDEX reading_override_known ON ingest.reading_override USING btree (known)
    CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON ingest.reading_override FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change()
    CREATE TRIGGER not_sealed AFTER INSERT ON ingest.reading_override REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION ingest.refuse_sealed_override()
    ROW LEVEL SECURITY FORCED
    POLICY api FOR r TO yardstick_api USING visible.operates()
    POLICY worker FOR * TO yardstick_visible, yardstick_worker USING true WITH CHECK true
    GRANT INSERT, SELECT TO yardstick_worker
    GRANT SELECT TO yardstick_api
    GRANT SELECT TO yardstick_visible

RELATION ingest.register
    id integer NOT NULL GENERATED ALWAYS AS IDENTITY
    device integer NOT NULL
    name text NOT NULL
    kind text NOT NULL
    unit text NOT NULL
    resolution numeric NOT NULL
    CONSTRAINT register_device_fkey FOREIGN KEY (device) REFERENCES ingest.device(id)
    CONSTRAINT register_device_name_key UNIQUE (device, name)
    CONSTRAINT register_kind_check CHECK ((kind = ANY (ARRAY['counter'::text, 'state'::text, 'gauge'::text])))
    CONSTRAINT register_name_check CHECK ((name ~ '^[A-Za-z0-9._-]{1,64}$'::text))
    CONSTRAINT register_pkey PRIMARY KEY (id)
    CONSTRAINT register_resolution_check CHECK ((resolution > (0)::numeric))
    ROW LEVEL SECURITY FORCED
    POLICY api FOR r TO yardstick_api USING (visible.operates() OR (device IN ( SELECT binding.device FROM ingest.binding)))
    POLICY worker FOR * TO yardstick_visible, yardstick_worker USING true WITH CHECK true
    GRANT INSERT, SELECT TO yardstick_worker
    GRANT SELECT TO yardstick_api
    GRANT SELECT TO yardstick_visible

RELATION ingest.release
    register integer NOT NULL
    start_at timestamp with time zone NOT NULL
    end_at timestamp with time zone NOT NULL
    kind text NOT NULL
    ticks bigint
    known bigint NOT NULL
    author text NOT NULL
    reason text NOT NULL
    CONSTRAINT release_author_check CHECK ((author <> ''::text))
    CONSTRAINT release_check CHECK ((end_at > start_at))
    CONSTRAINT release_check1 CHECK (((kind = 'bill'::text) = (ticks IS NOT NULL)))
    CONSTRAINT release_kind_check CHECK ((kind = ANY (ARRAY['bill'::text, 'from_zero'::text, 'void'::text, 'reopened'::text])))
    CONSTRAINT release_pkey PRIMARY KEY (register, start_at, end_at, known)
    CONSTRAINT release_reason_check CHECK ((reason <> ''::text))
    CONSTRAINT release_register_fkey FOREIGN KEY (register) REFERENCES ingest.register(id)
    CONSTRAINT release_ticks_check CHECK ((ticks >= 0))
    CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON ingest.release FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change()
    ROW LEVEL SECURITY FORCED
    POLICY api FOR r TO yardstick_api USING (visible.operates() OR (register IN ( SELECT register.id FROM ingest.register)))
    POLICY worker FOR * TO yardstick_visible, yardstick_worker USING true WITH CHECK true
    GRANT INSERT, SELECT TO yardstick_worker
    GRANT SELECT TO yardstick_api
    GRANT SELECT TO yardstick_visible

RELATION ingest.revocation_list
    id bigint NOT NULL GENERATED ALWAYS AS IDENTITY
    issuer text NOT NULL
    exported_at timestamp with time zone NOT NULL
    good_until timestamp with time zone NOT NULL
    CONSTRAINT revocation_list_check CHECK ((good_until > exported_at))
    CONSTRAINT revocation_list_pkey PRIMARY KEY (id)
    CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON ingest.revocation_list FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change()
    ROW LEVEL SECURITY FORCED
    POLICY worker FOR * TO yardstick_worker USING true WITH CHECK true
    GRANT INSERT, SELECT TO yardstick_worker

RELATION ingest.rollup_point
    share integer NOT NULL
    known bigint NOT NULL
    closed_to timestamp with time zone NOT NULL
    at timestamp with time zone NOT NULL
    CONSTRAINT rollup_point_pkey PRIMARY KEY (share, known)
    CONSTRAINT rollup_point_share_check CHECK ((share = ANY (ARRAY[0, 1])))
    ROW LEVEL SECURITY FORCED
    POLICY worker FOR * TO yardstick_visible, yardstick_worker USING true WITH CHECK true
    GRANT INSERT, SELECT TO yardstick_worker
    GRANT SELECT TO yardstick_visible

RELATION ingest.sealed
    hypertable text NOT NULL
    until timestamp with time zone NOT NULL
    kept timestamp with time zone
    dropped timestamp with time zone
    CONSTRAINT sealed_check CHECK (((kept <= until) AND (dropped <= kept)))
    CONSTRAINT sealed_hypertable_check CHECK ((hypertable = 'reading'::text))
    CONSTRAINT sealed_pkey PRIMARY KEY (hypertable)
    CREATE TRIGGER only_forward BEFORE UPDATE ON ingest.sealed FOR EACH ROW WHEN (((new.until < old.until) OR (new.kept < old.kept) OR (new.dropped < old.dropped))) EXECUTE FUNCTION core.refuse_change()
    CREATE TRIGGER stays BEFORE DELETE OR TRUNCATE ON ingest.sealed FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change()
    ROW LEVEL SECURITY FORCED
    POLICY api FOR r TO yardstick_api USING true
    POLICY worker FOR * TO yardstick_visible, yardstick_worker USING true WITH CHECK true
    GRANT INSERT, SELECT TO yardstick_worker
    GRANT SELECT TO yardstick_api
    GRANT SELECT TO yardstick_visible

RELATION ingest.sequence
    device integer NOT NULL
    boot text NOT NULL
    received int8multirange NOT NULL
    known bigint NOT NULL
    changed_at timestamp with time zone NOT NULL
    begun bigint
    CONSTRAINT sequence_boot_check CHECK (((boot <> ''::text) AND (length(boot) <= 64)))
    CONSTRAINT sequence_device_fkey FOREIGN KEY (device) REFERENCES ingest.device(id)
    CONSTRAINT sequence_pkey PRIMARY KEY (device, boot)
    ROW LEVEL SECURITY FORCED
    POLICY api FOR r TO yardstick_api USING visible.operates()
    POLICY worker FOR * TO yardstick_visible, yardstick_worker USING true WITH CHECK true
    GRANT INSERT, SELECT TO yardstick_worker
    GRANT SELECT TO yardstick_api
    GRANT SELECT TO yardstick_visible

RELATION ingest.state_code
    id smallint NOT NULL
    name text NOT NULL
    category text NOT NULL
    CONSTRAINT state_code_category_check CHECK ((category = ANY (ARRAY['running'::text, 'idle'::text, 'derated'::text, 'fault'::text, 'unplanned_repair'::text, 'planned_maintenance'::text, 'customer_cause'::text, 'external'::text, 'force_majeure'::text, 'unknown'::text])))
    CONSTRAINT state_code_name_key UNIQUE (name)
    CONSTRAINT state_code_pkey PRIMARY KEY (id)
    GRANT INSERT, SELECT TO yardstick_worker
    GRANT SELECT TO yardstick_api
    GRANT SELECT TO yardstick_visible

RELATION ingest.state_span
    register integer NOT NULL
    hour timestamp with time zone NOT NULL
    starts_at timestamp with time zone NOT NULL
    ends_at timestamp with time zone NOT NULL
    value bigint NOT NULL
    longest interval NOT NULL
    readings integer NOT NULL
    known bigint NOT NULL
    superseded bigint
    CONSTRAINT state_span_check CHECK ((superseded > known))
    CONSTRAINT state_span_pkey PRIMARY KEY (register, hour, starts_at, known)
    CREATE TRIGGER ts_insert_blocker BEFORE INSERT ON ingest.state_span FOR EACH ROW EXECUTE FUNCTION _timescaledb_functions.insert_blocker()
    GRANT INSERT, SELECT TO yardstick_worker
    GRANT SELECT TO yardstick_visible

RELATION ingest.usage_hour
    register integer NOT NULL
    hour timestamp with time zone NOT NULL
    known bigint NOT NULL
    superseded bigint
    readings integer NOT NULL
    first_at timestamp with time zone NOT NULL
    first_value bigint NOT NULL
    last_at timestamp with time zone NOT NULL
    last_value bigint NOT NULL
    fastest bigint NOT NULL
    CONSTRAINT usage_hour_check CHECK ((superseded > known))
    CONSTRAINT usage_hour_pkey PRIMARY KEY (register, known, hour)
    CREATE INDEX usage_hour_fastest ON ingest.usage_hour USING btree (register, fastest, hour, known)
    CREATE TRIGGER ts_insert_blocker BEFORE INSERT ON ingest.usage_hour FOR EACH ROW EXECUTE FUNCTION _timescaledb_functions.insert_blocker()
    GRANT INSERT, SELECT TO yardstick_worker
    GRANT SELECT TO yardstick_visible

CREATE OR REPLACE FUNCTION billing.refuse_locked()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog'
AS $function$
DECLARE shut record;
BEGIN
    SELECT n.posted_on, l.until INTO shut
    FROM posted AS n
    LEFT JOIN billing.invoice AS i ON i.id = n.invoice
    LEFT JOIN billing.series AS s ON s.id = i.series
    JOIN billing.lock AS l ON l.entity = coalesce(s.entity, n.entity) AND l.until >= n.posted_on
    ORDER BY l.until DESC LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'a posting on % is refused: the books are closed until %', shut.posted_on, shut.until
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $function$
-- owner: the administrator

CREATE OR REPLACE FUNCTION billing.refuse_locked_document()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog'
AS $function$
DECLARE shut record;
BEGIN
    SELECT t.posted_on, l.until INTO shut
    FROM issued AS i JOIN billing.series AS s ON s.id = i.series
    JOIN (SELECT entity, max(until) AS until FROM billing.lock GROUP BY entity) AS l ON l.entity = s.entity
    CROSS JOIN LATERAL (SELECT min(posted_on) AS posted_on FROM billing.transfer WHERE invoice = i.id) AS t
    WHERE t.posted_on <= l.until LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'a posting on % is refused: the books are closed until %', shut.posted_on, shut.until
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $function$
-- owner: the administrator

CREATE OR REPLACE FUNCTION billing.refuse_partless()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog'
AS $function$
DECLARE lost bigint;
BEGIN
    SELECT a.invoice INTO lost FROM (SELECT DISTINCT invoice FROM added WHERE invoice IS NOT NULL) AS a
    WHERE NOT EXISTS (SELECT FROM billing.invoice_part WHERE invoice = a.invoice OFFSET 0) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'a row of % is refused: document % has no part', TG_TABLE_NAME, lost
            USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $function$
-- owner: the administrator

CREATE OR REPLACE FUNCTION billing.refuse_partless_line()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog'
AS $function$
DECLARE lost record;
BEGIN
    SELECT a.invoice, a.part INTO lost FROM (SELECT DISTINCT invoice, part FROM added) AS a
    WHERE NOT EXISTS (SELECT FROM billing.invoice_part WHERE invoice = a.invoice AND n = a.part OFFSET 0) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'a line of part % of document % is refused: there is no such part', lost.part, lost.invoice
            USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $function$
-- owner: the administrator

CREATE OR REPLACE FUNCTION core.draw_knowledge()
 RETURNS bigint
 LANGUAGE sql
 SET search_path TO 'pg_catalog'
AS $function$
    WITH drawn AS (UPDATE core.knowledge SET n = n + 1 RETURNING n)
    INSERT INTO core.knowledge_at (n, at) SELECT n, clock_timestamp() FROM drawn RETURNING n
$function$
-- owner: the administrator

CREATE OR REPLACE FUNCTION core.refuse_change()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog'
AS $function$
BEGIN
    RAISE EXCEPTION '% of %.% refused: its rows never change; a correction is a new row',
        TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $function$
-- owner: the administrator

CREATE OR REPLACE FUNCTION ingest.drop_sealed()
 RETURNS SETOF text
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog'
 SET lock_timeout TO '5s'
AS $function$
DECLARE edge timestamptz;
BEGIN
    SELECT kept INTO edge FROM ingest.sealed WHERE hypertable = 'reading' AND kept = until;
    IF edge IS NULL THEN
        RAISE EXCEPTION 'what rests on sealed readings is not kept yet' USING ERRCODE = '55000';
    END IF;
    RETURN QUERY SELECT public.drop_chunks('ingest.reading', older_than => edge);
END $function$
-- owner: the administrator

CREATE OR REPLACE FUNCTION ingest.effective(register_id integer, since timestamp with time zone, before timestamp with time zone, newest bigint)
 RETURNS TABLE(at timestamp with time zone, value bigint)
 LANGUAGE sql
 STABLE
AS $function$
    SELECT r.at, CASE WHEN o.at IS NULL THEN r.value ELSE o.value END
    FROM (
        SELECT r.at, r.value FROM ingest.reading AS r
        WHERE r.register = register_id AND r.at >= since AND r.at < before AND r.known <= newest
        UNION ALL
        SELECT k.at, k.value FROM ingest.kept_reading AS k
        WHERE k.register = register_id AND k.at >= since AND k.at < before AND k.known <= newest
    ) AS r
    LEFT JOIN (
        SELECT DISTINCT ON (v.at) v.at, v.value FROM ingest.reading_override AS v
        WHERE v.register = register_id AND v.known <= newest ORDER BY v.at, v.known DESC
    ) AS o ON o.at = r.at
    WHERE o.at IS NULL OR o.value IS NOT NULL
$function$
-- owner: the administrator

CREATE OR REPLACE FUNCTION ingest.first_reading(register_id integer, since timestamp with time zone, before timestamp with time zone, low timestamp with time zone, high timestamp with time zone, newest bigint)
 RETURNS TABLE(at timestamp with time zone, value bigint)
 LANGUAGE sql
 STABLE
AS $function$
    SELECT e.at, e.value FROM (
        (SELECT r.at, CASE WHEN o.is_there THEN o.value ELSE r.value END AS value
         FROM ingest.reading AS r
         LEFT JOIN LATERAL (
             SELECT v.value, true AS is_there FROM ingest.reading_override AS v
             WHERE v.register = r.register AND v.at = r.at AND v.known <= newest ORDER BY v.known DESC LIMIT 1
         ) AS o ON true
         WHERE (o.is_there IS NULL OR o.value IS NOT NULL) AND since < before
             AND r.register = register_id AND r.at >= since AND r.at < before AND r.at >= low AND r.at < high
             AND r.known <= newest
         ORDER BY r.at LIMIT 1)
        UNION ALL
        (SELECT r.at, CASE WHEN o.is_there THEN o.value ELSE r.value END AS value
         FROM ingest.kept_reading AS r
         LEFT JOIN LATERAL (
             SELECT v.value, true AS is_there FROM ingest.reading_override AS v
             WHERE v.register = r.register AND v.at = r.at AND v.known <= newest ORDER BY v.known DESC LIMIT 1
         ) AS o ON true
         WHERE (o.is_there IS NULL OR o.value IS NOT NULL) AND since < before
             AND r.register = register_id AND r.at >= since AND r.at < before AND r.at >= low AND r.at < high
             AND r.known <= newest
         ORDER BY r.at LIMIT 1)
    ) AS e ORDER BY e.at LIMIT 1
$function$
-- owner: the administrator

CREATE OR REPLACE FUNCTION ingest.heard(ns integer[], registers integer[], starts timestamp with time zone[], ends timestamp with time zone[], firsts timestamp with time zone[], lasts timestamp with time zone[], silences interval[], newest bigint)
 RETURNS TABLE(n integer, received bigint, first_at timestamp with time zone, last_at timestamp with time zone, froms timestamp with time zone[], tos timestamp with time zone[])
 LANGUAGE plpgsql
 STABLE
 SET plan_cache_mode TO 'force_custom_plan'
 SET "timescaledb.enable_runtime_exclusion" TO 'off'
AS $function$
#variable_conflict use_column
DECLARE
    first_start timestamptz;
    last_start timestamptz;
    first_end timestamptz;
    last_end timestamptz;
    low timestamptz;
    high timestamptz;
    reach interval;
    missing int[];
    answered int[];
    ats timestamptz[];
    outside int[] := '{}';
    outside_ats timestamptz[] := '{}';
BEGIN
    SELECT min(e."start"), max(e."start"), min(e."end"), max(e."end")
    INTO first_start, last_start, first_end, last_end FROM unnest(starts, ends) AS e ("start", "end");
    missing := ns;
    FOREACH reach IN ARRAY ARRAY[interval '14 days', interval '112 days', interval '36525 days'] LOOP
        low := first_start - reach;
        SELECT array_agg(u.n) FILTER (WHERE r.at IS NOT NULL), array_agg(r.at) FILTER (WHERE r.at IS NOT NULL),
            array_agg(u.n) FILTER (WHERE r.at IS NULL AND u."start" - reach > u.first)
        INTO answered, ats, missing
        FROM unnest(ns, registers, starts, firsts) AS u (n, register, "start", first)
        LEFT JOIN LATERAL (
            SELECT r.at FROM ingest.reading AS r
            WHERE r.register = u.register AND r.at >= u.first AND r.at < u."start" AND r.at >= low AND r.at < last_start
                AND r.known <= newest
            ORDER BY r.at DESC LIMIT 1
        ) AS r ON true
        WHERE u.n = ANY (missing);
        outside := outside || answered;
        outside_ats := outside_ats || ats;
        EXIT WHEN missing IS NULL;
    END LOOP;
    missing := ns;
    FOREACH reach IN ARRAY ARRAY[interval '14 days', interval '112 days', interval '36525 days'] LOOP
        high := last_end + reach;
        SELECT array_agg(u.n) FILTER (WHERE r.at IS NOT NULL), array_agg(r.at) FILTER (WHERE r.at IS NOT NULL),
            array_agg(u.n) FILTER (WHERE r.at IS NULL AND u."end" + reach < u.last)
        INTO answered, ats, missing
        FROM unnest(ns, registers, ends, lasts) AS u (n, register, "end", last)
        LEFT JOIN LATERAL (
            SELECT r.at FROM ingest.reading AS r
            WHERE r.register = u.register AND r.at >= u."end" AND r.at < u.last AND r.at >= first_end AND r.at < high
                AND r.known <= newest
            ORDER BY r.at LIMIT 1
        ) AS r ON true
        WHERE u.n = ANY (missing);
        outside := outside || answered;
        outside_ats := outside_ats || ats;
        EXIT WHEN missing IS NULL;
    END LOOP;
    RETURN QUERY SELECT u.n, e.*
    FROM unnest(ns, registers, starts, ends, silences) AS u (n, register, "start", "end", silence)
    CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE s.at >= u."start" AND s.at < u."end"), min(s.at), max(s.at),
            array_agg(s.at_before ORDER BY s.at) FILTER (WHERE s.at - s.at_before > u.silence),
            array_agg(s.at ORDER BY s.at) FILTER (WHERE s.at - s.at_before > u.silence)
        FROM (
            SELECT x.at, lag(x.at) OVER (ORDER BY x.at) AS at_before
            FROM (
                SELECT o.at FROM unnest(outside, outside_ats) AS o (n, at) WHERE o.n = u.n
                UNION ALL
                SELECT r.at FROM ingest.reading AS r
                WHERE r.register = u.register AND r.at >= u."start" AND r.at < u."end"
                    AND r.at >= first_start AND r.at < last_end AND r.known <= newest
            ) AS x
        ) AS s
    ) AS e;
END $function$
-- owner: the administrator

CREATE OR REPLACE FUNCTION ingest.held(bounds integer[], registers integer[], sinces timestamp with time zone[], befores timestamp with time zone[], silences interval[], first timestamp with time zone, last timestamp with time zone, newest bigint)
 RETURNS TABLE(bound integer, first_at timestamp with time zone, last_at timestamp with time zone, last_value bigint, area numeric, held bigint)
 LANGUAGE plpgsql
 STABLE
 SET plan_cache_mode TO 'force_custom_plan'
 SET "timescaledb.enable_runtime_exclusion" TO 'off'
AS $function$
#variable_conflict use_column
DECLARE
    late_registers int[];
    late_hours timestamptz[];
BEGIN
    SELECT array_agg(l.register), array_agg(l.hour) INTO late_registers, late_hours
    FROM ingest.late_hours(held.first, held.last, newest) AS l WHERE l.register = ANY (registers);
    RETURN QUERY WITH e AS MATERIALIZED (
        SELECT e.bound, e.register, e.since, e.before, silences[e.bound + 1] AS silence, p.known,
            date_bin('1 hour', e.since + interval '59 minutes 59.999999 seconds', '2000-01-01 00:00+00') AS low,
            least(date_bin('1 hour', e.before, '2000-01-01 00:00+00'), p.closed_to) AS high
        FROM unnest(bounds, registers, sinces, befores) AS e (bound, register, since, before)
        JOIN ingest.rolled(newest) AS p ON p.share = e.register % 2
        WHERE e.since < e.before
    ), late AS MATERIALIZED (
        SELECT * FROM unnest(late_registers, late_hours) AS l (register, hour)
    ), whole AS MATERIALIZED (
        SELECT e.bound, e.silence, h.* FROM e
        JOIN ingest.gauge_hour AS h ON h.register = e.register AND h.hour >= e.low AND h.hour < e.high
            AND h.hour >= held.first - interval '1 hour' AND h.hour < held.last
            AND h.known <= e.known AND (h.superseded IS NULL OR h.superseded > e.known)
        WHERE NOT EXISTS (SELECT FROM late AS l WHERE l.register = h.register AND l.hour = h.hour)
    ), zone AS (
        SELECT e.bound, e.register, e.silence, e.since AS low,
            CASE WHEN e.low < e.high THEN e.low ELSE e.before END AS high FROM e
        UNION ALL
        SELECT e.bound, e.register, e.silence, e.high, e.before FROM e WHERE e.low < e.high
        UNION ALL
        SELECT e.bound, e.register, e.silence, l.hour, l.hour + interval '1 hour'
        FROM e JOIN late AS l ON l.register = e.register AND l.hour >= e.low AND l.hour < e.high
        UNION ALL
        SELECT w.bound, w.register, w.silence, w.hour, w.hour + interval '1 hour'
        FROM whole AS w WHERE w.longest > w.silence
    )
    SELECT w.bound, coalesce(w.first_at, w.last_at), w.last_at, w.last_value, w.area,
        (extract(epoch FROM w.last_at - w.first_at) * 1000000)::bigint
    FROM whole AS w WHERE (w.longest > w.silence) IS NOT TRUE
    UNION ALL
    SELECT z.bound, r.first_at, r.last_at, r.last_value, r.area, r.held
    FROM zone AS z CROSS JOIN LATERAL (
        SELECT min(s.at) AS first_at, max(s.at) AS last_at, public.last(s.value, s.at) AS last_value,
            coalesce(sum(s.value::numeric * s.took), 0) AS area, coalesce(sum(s.took), 0)::bigint AS held
        FROM (
            SELECT x.at, x.value, CASE WHEN x.next_at IS NOT NULL
                THEN (extract(epoch FROM least(x.next_at - x.at, z.silence)) * 1000000)::bigint END AS took
            FROM (
                SELECT v.at, v.value, lead(v.at) OVER (ORDER BY v.at) AS next_at
                FROM ingest.effective(z.register, z.low, z.high, newest) AS v
                WHERE v.at >= held.first AND v.at < held.last
            ) AS x
        ) AS s
    ) AS r WHERE r.first_at IS NOT NULL;
END $function$
-- owner: the administrator

CREATE OR REPLACE FUNCTION ingest.hours(bounds integer[], registers integer[], sinces timestamp with time zone[], befores timestamp with time zone[], first timestamp with time zone, last timestamp with time zone, newest bigint)
 RETURNS TABLE(bound integer, at timestamp with time zone, value bigint)
 LANGUAGE plpgsql
 STABLE
 SET plan_cache_mode TO 'force_custom_plan'
 SET "timescaledb.enable_runtime_exclusion" TO 'off'
AS $function$
#variable_conflict use_column
DECLARE
    late_registers int[];
    late_hours timestamptz[];
BEGIN
    SELECT array_agg(l.register), array_agg(l.hour) INTO late_registers, late_hours
    FROM ingest.late_hours(hours.first, hours.last, newest) AS l WHERE l.register = ANY (registers);
    RETURN QUERY WITH e AS MATERIALIZED (
        SELECT e.bound, e.register, e.since, e.before, p.known,
            date_bin('1 hour', e.since + interval '59 minutes 59.999999 seconds', '2000-01-01 00:00+00') AS low,
            least(date_bin('1 hour', e.before, '2000-01-01 00:00+00'), p.closed_to) AS high
        FROM unnest(bounds, registers, sinces, befores) AS e (bound, register, since, before)
        JOIN ingest.rolled(newest) AS p ON p.share = e.register % 2
        WHERE e.since < e.before
    ), late AS MATERIALIZED (
        SELECT * FROM unnest(late_registers, late_hours) AS l (register, hour)
    ), zone AS (
        SELECT e.bound, e.register, e.since AS low, CASE WHEN e.low < e.high THEN e.low ELSE e.before END AS high FROM e
        UNION ALL
        SELECT e.bound, e.register, e.high, e.before FROM e WHERE e.low < e.high
        UNION ALL
        SELECT e.bound, e.register, l.hour, l.hour + interval '1 hour'
        FROM e JOIN late AS l ON l.register = e.register AND l.hour >= e.low AND l.hour < e.high
    ), seen AS (
        SELECT e.bound, h.first_at, h.first_value, h.last_at, h.last_value
        FROM e JOIN ingest.usage_hour AS h ON h.register = e.register AND h.hour >= e.low AND h.hour < e.high
            AND h.hour >= hours.first - interval '1 hour' AND h.hour < hours.last
            AND h.known <= e.known AND (h.superseded IS NULL OR h.superseded > e.known)
        WHERE NOT EXISTS (SELECT FROM late AS l WHERE l.register = h.register AND l.hour = h.hour)
        UNION ALL
        SELECT z.bound, r.first_at, r.first_value, r.last_at, r.last_value
        FROM zone AS z CROSS JOIN LATERAL (
            SELECT min(x.at) AS first_at, public.first(x.value, x.at) AS first_value, max(x.at) AS last_at,
                public.last(x.value, x.at) AS last_value
            FROM ingest.effective(z.register, z.low, z.high, newest) AS x
            WHERE x.at >= hours.first AND x.at < hours.last GROUP BY date_bin('1 hour', x.at, '2000-01-01 00:00+00')
        ) AS r
    )
    SELECT s.bound, v.at, v.value
    FROM seen AS s CROSS JOIN LATERAL (VALUES (s.first_at, s.first_value), (s.last_at, s.last_value)) AS v (at, value)
    WHERE v.at IS NOT NULL AND (v.at = s.first_at OR s.last_at > s.first_at);
END $function$
-- owner: the administrator

CREATE OR REPLACE FUNCTION ingest.known_from(since bigint, newest bigint)
 RETURNS timestamp with time zone
 LANGUAGE sql
 STABLE
AS $function$
    SELECT CASE WHEN newest - since > 10000 THEN '-infinity' ELSE (
        SELECT CASE WHEN count(*) < newest - since OR bool_or(b.stored > 0 AND b.first_at IS NULL) THEN '-infinity'
            ELSE coalesce(min(b.first_at) FILTER (WHERE b.stored > 0), 'infinity') END
        FROM ingest.batch AS b WHERE b.known > since AND b.known <= newest
    ) END
$function$
-- owner: the administrator

CREATE OR REPLACE FUNCTION ingest.last_reading(register_id integer, since timestamp with time zone, before timestamp with time zone, low timestamp with time zone, high timestamp with time zone, newest bigint)
 RETURNS TABLE(at timestamp with time zone, value bigint)
 LANGUAGE sql
 STABLE
AS $function$
    SELECT e.at, e.value FROM (
        (SELECT r.at, CASE WHEN o.is_there THEN o.value ELSE r.value END AS value
         FROM ingest.reading AS r
         LEFT JOIN LATERAL (
             SELECT v.value, true AS is_there FROM ingest.reading_override AS v
             WHERE v.register = r.register AND v.at = r.at AND v.known <= newest ORDER BY v.known DESC LIMIT 1
         ) AS o ON true
         WHERE (o.is_there IS NULL OR o.value IS NOT NULL) AND since < before
             AND r.register = register_id AND r.at >= since AND r.at < before AND r.at >= low AND r.at < high
             AND r.known <= newest
         ORDER BY r.at DESC LIMIT 1)
        UNION ALL
        (SELECT r.at, CASE WHEN o.is_there THEN o.value ELSE r.value END AS value
         FROM ingest.kept_reading AS r
         LEFT JOIN LATERAL (
             SELECT v.value, true AS is_there FROM ingest.reading_override AS v
             WHERE v.register = r.register AND v.at = r.at AND v.known <= newest ORDER BY v.known DESC LIMIT 1
         ) AS o ON true
         WHERE (o.is_there IS NULL OR o.value IS NOT NULL) AND since < before
             AND r.register = register_id AND r.at >= since AND r.at < before AND r.at >= low AND r.at < high
             AND r.known <= newest
         ORDER BY r.at DESC LIMIT 1)
    ) AS e ORDER BY e.at DESC LIMIT 1
$function$
-- owner: the administrator

CREATE OR REPLACE FUNCTION ingest.late_hours(low timestamp with time zone, high timestamp with time zone, newest bigint)
 RETURNS TABLE(register integer, hour timestamp with time zone)
 LANGUAGE plpgsql
 STABLE
 SET plan_cache_mode TO 'force_custom_plan'
AS $function$
#variable_conflict use_column
DECLARE
    since bigint;
    start timestamptz;
    edge timestamptz;
BEGIN
    SELECT min(p.known), least(max(p.closed_to), late_hours.high) INTO since, edge FROM ingest.rolled(newest) AS p;
    IF since >= newest OR edge <= late_hours.low THEN
        RETURN;
    END IF;
    start := greatest(late_hours.low, ingest.known_from(since, newest));
    IF edge <= start THEN
        RETURN;
    END IF;
    RETURN QUERY SELECT f.register, date_bin('1 hour', f.at, '2000-01-01 00:00+00')
    FROM (
        SELECT r.register, r.at, r.known FROM ingest.reading AS r
        WHERE r.known > since AND r.known <= newest AND r.at >= start AND r.at < edge
        UNION ALL
        SELECT k.register, k.at, k.known FROM ingest.kept_reading AS k
        WHERE k.known > since AND k.known <= newest AND k.at >= start AND k.at < edge
        UNION ALL
        SELECT o.register, o.at, o.known FROM ingest.reading_override AS o
        WHERE o.known > since AND o.known <= newest AND o.at >= start AND o.at < edge
    ) AS f JOIN ingest.rolled(newest) AS p ON p.share = f.register % 2 AND f.known > p.known AND f.at < p.closed_to
    GROUP BY 1, 2;
END $function$
-- owner: the administrator

CREATE OR REPLACE FUNCTION ingest.levels(bounds integer[], registers integer[], sinces timestamp with time zone[], befores timestamp with time zone[], first timestamp with time zone, last timestamp with time zone, newest bigint)
 RETURNS TABLE(bound integer, readings bigint, lowest bigint, highest bigint, last_at timestamp with time zone, last_value bigint)
 LANGUAGE plpgsql
 STABLE
 SET plan_cache_mode TO 'force_custom_plan'
 SET "timescaledb.enable_runtime_exclusion" TO 'off'
AS $function$
#variable_conflict use_column
DECLARE
    late_registers int[];
    late_hours timestamptz[];
BEGIN
    SELECT array_agg(l.register), array_agg(l.hour) INTO late_registers, late_hours
    FROM ingest.late_hours(levels.first, levels.last, newest) AS l WHERE l.register = ANY (registers);
    RETURN QUERY WITH e AS MATERIALIZED (
        SELECT e.bound, e.register, e.since, e.before, p.known,
            date_bin('1 hour', e.since + interval '59 minutes 59.999999 seconds', '2000-01-01 00:00+00') AS low,
            least(date_bin('1 hour', e.before, '2000-01-01 00:00+00'), p.closed_to) AS high
        FROM unnest(bounds, registers, sinces, befores) AS e (bound, register, since, before)
        JOIN ingest.rolled(newest) AS p ON p.share = e.register % 2
        WHERE e.since < e.before
    ), late AS MATERIALIZED (
        SELECT * FROM unnest(late_registers, late_hours) AS l (register, hour)
    ), zone AS (
        SELECT e.bound, e.register, e.since AS low, CASE WHEN e.low < e.high THEN e.low ELSE e.before END AS high FROM e
        UNION ALL
        SELECT e.bound, e.register, e.high, e.before FROM e WHERE e.low < e.high
        UNION ALL
        SELECT e.bound, e.register, l.hour, l.hour + interval '1 hour'
        FROM e JOIN late AS l ON l.register = e.register AND l.hour >= e.low AND l.hour < e.high
    ), seen AS (
        SELECT e.bound, h.readings::bigint, h.lowest, h.highest, h.last_at, h.last_value
        FROM e JOIN ingest.gauge_hour AS h ON h.register = e.register AND h.hour >= e.low AND h.hour < e.high
            AND h.hour >= levels.first - interval '1 hour' AND h.hour < levels.last
            AND h.known <= e.known AND (h.superseded IS NULL OR h.superseded > e.known)
        WHERE NOT EXISTS (SELECT FROM late AS l WHERE l.register = h.register AND l.hour = h.hour)
        UNION ALL
        SELECT z.bound, r.readings, r.lowest, r.highest, r.last_at, r.last_value
        FROM zone AS z CROSS JOIN LATERAL (
            SELECT count(*) AS readings, min(x.value) AS lowest, max(x.value) AS highest, max(x.at) AS last_at,
                public.last(x.value, x.at) AS last_value
            FROM ingest.effective(z.register, z.low, z.high, newest) AS x
            WHERE x.at >= levels.first AND x.at < levels.last
        ) AS r WHERE r.readings > 0
    )
    SELECT s.bound, sum(s.readings)::bigint, min(s.lowest), max(s.highest), max(s.last_at),
        public.last(s.last_value, s.last_at)
    FROM seen AS s GROUP BY s.bound;
END $function$
-- owner: the administrator

CREATE OR REPLACE FUNCTION ingest.lowest(received int8multirange)
 RETURNS int8multirange
 LANGUAGE sql
 IMMUTABLE
 SET search_path TO 'pg_catalog'
AS $function$
    SELECT range_agg(r) FROM (SELECT r FROM unnest(received) AS r ORDER BY r LIMIT 1000) AS kept
$function$
-- owner: the administrator

CREATE OR REPLACE FUNCTION ingest.missing(received int8multirange)
 RETURNS int8multirange
 LANGUAGE sql
 IMMUTABLE
 SET search_path TO 'pg_catalog'
AS $function$
    SELECT int8multirange(int8range(1, upper(received))) - received
$function$
-- owner: the administrator

CREATE OR REPLACE FUNCTION ingest.near(edges integer[], registers integer[], starts timestamp with time zone[], ends timestamp with time zone[], instants timestamp with time zone[], low timestamp with time zone, first timestamp with time zone, last timestamp with time zone, high timestamp with time zone, newest bigint)
 RETURNS TABLE(edge integer, at_before timestamp with time zone, before bigint, at_after timestamp with time zone, after bigint)
 LANGUAGE plpgsql
 STABLE
 SET plan_cache_mode TO 'force_custom_plan'
 SET "timescaledb.enable_runtime_exclusion" TO 'off'
AS $function$
#variable_conflict use_column
BEGIN
    IF near.first >= near.high THEN
        RETURN QUERY SELECT e.edge, b.at, b.value, NULL::timestamptz, NULL::bigint
        FROM unnest(edges, registers, starts, ends, instants) AS e (edge, register, "start", "end", at)
        LEFT JOIN LATERAL ingest.last_reading(e.register, e."start", least(e.at + interval '1 microsecond', e."end"),
            near.low, near.last, newest) AS b ON true;
    ELSIF near.low >= near.last THEN
        RETURN QUERY SELECT e.edge, NULL::timestamptz, NULL::bigint, a.at, a.value
        FROM unnest(edges, registers, starts, ends, instants) AS e (edge, register, "start", "end", at)
        LEFT JOIN LATERAL ingest.first_reading(
            e.register, greatest(e.at, e."start"), e."end", near.first, near.high, newest) AS a ON true;
    ELSE
        RETURN QUERY SELECT e.edge, b.at, b.value, a.at, a.value
        FROM unnest(edges, registers, starts, ends, instants) AS e (edge, register, "start", "end", at)
        LEFT JOIN LATERAL ingest.last_reading(e.register, e."start", least(e.at + interval '1 microsecond', e."end"),
            near.low, near.last, newest) AS b ON true
        LEFT JOIN LATERAL ingest.first_reading(e.register,
            CASE WHEN b.at = e.at THEN e."end" ELSE greatest(e.at, e."start") END, e."end", near.first, near.high, newest)
            AS a ON true;
    END IF;
END $function$
-- owner: the administrator

CREATE OR REPLACE FUNCTION ingest.outside(bounds integer[], registers integer[], starts timestamp with time zone[], ends timestamp with time zone[], newest bigint)
 RETURNS TABLE(bound integer, at timestamp with time zone, value bigint)
 LANGUAGE plpgsql
 STABLE
 SET plan_cache_mode TO 'force_custom_plan'
 SET "timescaledb.enable_runtime_exclusion" TO 'off'
AS $function$
#variable_conflict use_column
DECLARE
    first_start timestamptz;
    last_start timestamptz;
    first_end timestamptz;
    last_end timestamptz;
BEGIN
    SELECT min(e."start") - interval '35 days', max(e."start"), min(e."end"), max(e."end") + interval '35 days'
    INTO first_start, last_start, first_end, last_end FROM unnest(starts, ends) AS e ("start", "end");
    IF last_start IS NOT NULL THEN
        RETURN QUERY SELECT e.bound, p.at, p.value FROM unnest(bounds, registers, starts) AS e (bound, register, "start")
        CROSS JOIN LATERAL ingest.last_reading(
            e.register, e."start" - interval '35 days', e."start", first_start, last_start, newest) AS p;
    END IF;
    IF last_end IS NOT NULL THEN
        RETURN QUERY SELECT e.bound, p.at, p.value FROM unnest(bounds, registers, ends) AS e (bound, register, "end")
        CROSS JOIN LATERAL ingest.first_reading(
            e.register, e."end", e."end" + interval '35 days', first_end, last_end, newest) AS p;
    END IF;
END $function$
-- owner: the administrator

CREATE OR REPLACE FUNCTION ingest.refuse_rewriting()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog'
AS $function$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.superseded IS NULL AND NEW.superseded IS NOT NULL
        AND to_jsonb(NEW) - 'superseded' = to_jsonb(OLD) - 'superseded' THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% of %.% refused: its rows never change; a correction is a new row',
        TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $function$
-- owner: the administrator

CREATE OR REPLACE FUNCTION ingest.refuse_sealed(first timestamp with time zone)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog'
AS $function$
DECLARE sealed timestamptz;
BEGIN
    SELECT until INTO sealed FROM ingest.sealed;
    IF first < sealed THEN
        RAISE EXCEPTION 'readings before % are sealed, and this one is of %', sealed, first
            USING ERRCODE = '22008', HINT = 'what was billed up to then stays; readings from then on are taken';
    END IF;
END $function$
-- owner: the administrator

CREATE OR REPLACE FUNCTION ingest.refuse_sealed_override()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog'
AS $function$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(726932, 0);
    PERFORM ingest.refuse_sealed((SELECT min(at) FROM added));
    RETURN NULL;
END $function$
-- owner: the administrator

CREATE OR REPLACE FUNCTION ingest.rolled(newest bigint)
 RETURNS TABLE(share integer, known bigint, closed_to timestamp with time zone)
 LANGUAGE sql
 STABLE
AS $function$
    SELECT s.share, coalesce(p.known, 0), coalesce(p.closed_to, '2000-01-01 00:00+00')
    FROM (VALUES (0), (1)) AS s (share)
    LEFT JOIN LATERAL (
        SELECT p.known, p.closed_to FROM ingest.rollup_point AS p
        WHERE p.share = s.share AND p.known <= newest ORDER BY p.known DESC LIMIT 1
    ) AS p ON true
$function$
-- owner: the administrator

CREATE OR REPLACE FUNCTION ingest.said(bounds integer[], registers integer[], sinces timestamp with time zone[], befores timestamp with time zone[], gaps interval[], first timestamp with time zone, last timestamp with time zone, newest bigint)
 RETURNS TABLE(bound integer, at timestamp with time zone, heard timestamp with time zone, value bigint)
 LANGUAGE plpgsql
 STABLE
 SET plan_cache_mode TO 'force_custom_plan'
 SET "timescaledb.enable_runtime_exclusion" TO 'off'
AS $function$
#variable_conflict use_column
DECLARE
    late_registers int[];
    late_hours timestamptz[];
BEGIN
    SELECT array_agg(l.register), array_agg(l.hour) INTO late_registers, late_hours
    FROM ingest.late_hours(said.first, said.last, newest) AS l WHERE l.register = ANY (registers);
    RETURN QUERY WITH e AS MATERIALIZED (
        SELECT e.bound, e.register, e.since, e.before, e.gap, p.known,
            date_bin('1 hour', e.since + interval '59 minutes 59.999999 seconds', '2000-01-01 00:00+00') AS low,
            least(date_bin('1 hour', e.before, '2000-01-01 00:00+00'), p.closed_to) AS high
        FROM unnest(bounds, registers, sinces, befores, gaps) AS e (bound, register, since, before, gap)
        JOIN ingest.rolled(newest) AS p ON p.share = e.register % 2
        WHERE e.since < e.before
    ), late AS MATERIALIZED (
        SELECT * FROM unnest(late_registers, late_hours) AS l (register, hour)
    ), whole AS MATERIALIZED (
        SELECT e.bound, e.register, e.gap, s.starts_at, s.ends_at, s.value, s.longest
        FROM e JOIN ingest.state_span AS s ON s.register = e.register AND s.hour >= e.low AND s.hour < e.high
            AND s.hour >= said.first AND s.hour < said.last
            AND s.known <= e.known AND (s.superseded IS NULL OR s.superseded > e.known)
        WHERE NOT EXISTS (SELECT FROM late AS l WHERE l.register = s.register AND l.hour = s.hour)
    ), zone AS (
        SELECT e.bound, e.register, e.since AS low, CASE WHEN e.low < e.high THEN e.low ELSE e.before END AS high FROM e
        UNION ALL
        SELECT e.bound, e.register, e.high, e.before FROM e WHERE e.low < e.high
        UNION ALL
        SELECT e.bound, e.register, l.hour, l.hour + interval '1 hour'
        FROM e JOIN late AS l ON l.register = e.register AND l.hour >= e.low AND l.hour < e.high
        UNION ALL
        SELECT w.bound, w.register, w.starts_at, w.ends_at + interval '1 microsecond' FROM whole AS w WHERE w.longest > w.gap
    )
    SELECT w.bound, w.starts_at, w.ends_at, w.value FROM whole AS w WHERE w.longest <= w.gap
    UNION ALL
    SELECT z.bound, r.at, r.at, r.value
    FROM zone AS z CROSS JOIN LATERAL ingest.effective(z.register, z.low, z.high, newest) AS r
    WHERE r.at >= said.first AND r.at < said.last;
END $function$
-- owner: the administrator

CREATE OR REPLACE FUNCTION ingest.set_chunk(span interval)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog'
 SET lock_timeout TO '5s'
AS $function$
BEGIN
    IF span NOT IN (interval '1 day', interval '7 days') THEN
        RAISE EXCEPTION 'a chunk spans 1 or 7 days' USING ERRCODE = '22023';
    END IF;
    PERFORM public.set_chunk_time_interval('ingest.reading', span);
END $function$
-- owner: the administrator

CREATE OR REPLACE FUNCTION ingest.set_columnstore(older interval)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog'
 SET lock_timeout TO '5s'
AS $function$
BEGIN
    IF older < interval '35 days' THEN
        RAISE EXCEPTION 'readings of the last 35 days stay out of the columnstore' USING ERRCODE = '22023';
    END IF;
    IF older IS NOT NULL THEN
        ALTER TABLE ingest.reading SET (timescaledb.enable_columnstore, timescaledb.segmentby = 'register',
            timescaledb.orderby = 'at');
    END IF;
    CALL public.remove_columnstore_policy('ingest.reading', if_exists => true);
    IF older IS NOT NULL THEN
        CALL public.add_columnstore_policy('ingest.reading', after => older);
    END IF;
END $function$
-- owner: the administrator

CREATE OR REPLACE FUNCTION ingest.shown(bounds integer[], registers integer[], firsts timestamp with time zone[], lasts timestamp with time zone[], starts timestamp with time zone[], ends timestamp with time zone[], noises bigint[], refills bigint[], newest bigint)
 RETURNS TABLE(bound integer, at timestamp with time zone, value bigint)
 LANGUAGE plpgsql
 STABLE
 SET plan_cache_mode TO 'force_custom_plan'
 SET "timescaledb.enable_runtime_exclusion" TO 'off'
AS $function$
#variable_conflict use_column
DECLARE
    low timestamptz;
    high timestamptz;
    reach interval;
    missing int[];
    stepped int[];
    steps timestamptz[];
    shown_ticks bigint[];
    anchored int[] := '{}';
    anchors timestamptz[] := '{}';
BEGIN
    -- The last reading before.
    SELECT max(least(e.last, e."start")), array_agg(e.bound) INTO high, missing
    FROM unnest(bounds, firsts, lasts, starts, noises) AS e (bound, first, last, "start", noise)
    WHERE e.noise = 0 AND e.first < e."start";
    FOREACH reach IN ARRAY ARRAY[interval '14 days', interval '112 days', interval '36525 days'] LOOP
        EXIT WHEN missing IS NULL;
        SELECT min(least(e.last, e."start")) - reach INTO low
        FROM unnest(bounds, lasts, starts) AS e (bound, last, "start") WHERE e.bound = ANY (missing);
        SELECT array_agg(e.bound) FILTER (WHERE r.at IS NOT NULL), array_agg(r.at) FILTER (WHERE r.at IS NOT NULL),
            array_agg(r.value) FILTER (WHERE r.at IS NOT NULL),
            array_agg(e.bound) FILTER (WHERE r.at IS NULL AND least(e.last, e."start") - reach > e.first)
        INTO stepped, steps, shown_ticks, missing
        FROM unnest(bounds, registers, firsts, lasts, starts) AS e (bound, register, first, last, "start")
        LEFT JOIN LATERAL ingest.last_reading(e.register, e.first, least(e.last, e."start"), low, high, newest) AS r ON true
        WHERE e.bound = ANY (missing);
        RETURN QUERY SELECT * FROM unnest(stepped, steps, shown_ticks);
    END LOOP;
    -- The last step that noise cannot explain. The first reading within reach has no step there; if it is one, and no
    -- later one is, it is found one reach further.
    SELECT max(least(e.last, e."start")), array_agg(e.bound) INTO high, missing
    FROM unnest(bounds, lasts, starts, noises) AS e (bound, last, "start", noise) WHERE e.noise > 0;
    FOREACH reach IN ARRAY ARRAY[interval '14 days', interval '112 days', interval '36525 days'] LOOP
        EXIT WHEN missing IS NULL;
        SELECT min(least(e.last, e."start")) - reach INTO low
        FROM unnest(bounds, lasts, starts) AS e (bound, last, "start") WHERE e.bound = ANY (missing);
        SELECT array_agg(e.bound) FILTER (WHERE s.at IS NOT NULL OR least(e.last, e."start") - reach <= e.first),
            array_agg(coalesce(s.at, e.first)) FILTER (
                WHERE s.at IS NOT NULL OR least(e.last, e."start") - reach <= e.first),
            array_agg(e.bound) FILTER (WHERE s.at IS NULL AND least(e.last, e."start") - reach > e.first)
        INTO stepped, steps, missing
        FROM unnest(bounds, registers, firsts, lasts, starts, noises, refills)
            AS e (bound, register, first, last, "start", noise, refill)
        CROSS JOIN LATERAL (
            SELECT max(x.at) AS at FROM (
                SELECT r.at, r.value, lag(r.value) OVER (ORDER BY r.at) AS before
                FROM ingest.effective(
                    e.register, greatest(e.first, least(e.last, e."start") - reach), least(e.last, e."start"), newest) AS r
                WHERE r.at >= low AND r.at < high
            ) AS x WHERE abs(x.value - x.before) > e.noise + greatest(e.noise, e.refill)
        ) AS s
        WHERE e.bound = ANY (missing);
        anchored := anchored || stepped;
        anchors := anchors || steps;
    END LOOP;
    SELECT min(coalesce(a.at, greatest(e.first, e."start"))), max(least(e.last, e."end" + interval '1 microsecond'))
    INTO low, high
    FROM unnest(bounds, firsts, lasts, starts, ends) AS e (bound, first, last, "start", "end")
    LEFT JOIN unnest(anchored, anchors) AS a (bound, at) ON a.bound = e.bound;
    RETURN QUERY SELECT e.bound, r.at, r.value
    FROM unnest(bounds, registers, firsts, lasts, starts, ends)
        AS e (bound, register, first, last, "start", "end")
    LEFT JOIN unnest(anchored, anchors) AS a (bound, at) ON a.bound = e.bound
    CROSS JOIN LATERAL ingest.effective(e.register, coalesce(a.at, greatest(e.first, e."start")),
        least(e.last, e."end" + interval '1 microsecond'), newest) AS r
    WHERE r.at >= low AND r.at < high;
END $function$
-- owner: the administrator

CREATE OR REPLACE FUNCTION ingest.shown_before(bounds integer[], registers integer[], sinces timestamp with time zone[], instants timestamp with time zone[], low timestamp with time zone, high timestamp with time zone, newest bigint)
 RETURNS TABLE(bound integer, at timestamp with time zone, value bigint)
 LANGUAGE plpgsql
 STABLE
 SET plan_cache_mode TO 'force_custom_plan'
 SET "timescaledb.enable_runtime_exclusion" TO 'off'
AS $function$
#variable_conflict use_column
BEGIN
    RETURN QUERY SELECT e.bound, r.at, r.value
    FROM unnest(bounds, registers, sinces, instants) AS e (bound, register, since, instant)
    CROSS JOIN LATERAL ingest.last_reading(
        e.register, e.since, e.instant, shown_before.low, shown_before.high, newest) AS r;
END $function$
-- owner: the administrator

CREATE OR REPLACE FUNCTION ingest.skew(registers integer[], start timestamp with time zone, "end" timestamp with time zone, newest bigint)
 RETURNS TABLE(device text, readings bigint, shortest interval, middle interval, longest interval, status text)
 LANGUAGE plpgsql
 STABLE
 SET plan_cache_mode TO 'force_custom_plan'
AS $function$
#variable_conflict use_column
BEGIN
    RETURN QUERY SELECT d.name, count(*), min(r.received_at - r.at),
        percentile_disc(0.5) WITHIN GROUP (ORDER BY r.received_at - r.at), max(r.received_at - r.at),
        coalesce(r.time_status::text, '')
    FROM ingest.register AS g
    JOIN ingest.device AS d ON d.id = g.device
    JOIN ingest.reading AS r ON r.register = g.id
    WHERE g.id = ANY (registers) AND r.at >= skew."start" AND r.at < skew."end" AND r.known <= newest
    GROUP BY d.name, r.time_status ORDER BY 1, 6;
END $function$
-- owner: the administrator

CREATE OR REPLACE FUNCTION ingest.suspect(registers integer[], max_rates numeric[], edges timestamp with time zone[], since timestamp with time zone, newest bigint)
 RETURNS SETOF integer
 LANGUAGE plpgsql
 STABLE
 SET plan_cache_mode TO 'force_custom_plan'
AS $function$
DECLARE
    fresh timestamptz;
    first_edge timestamptz;
BEGIN
    SELECT min(closed_to) - interval '2 hours' INTO fresh FROM ingest.rolled(newest);
    RETURN QUERY WITH e AS MATERIALIZED (
        SELECT e.register, e.max_rate, p.known, p.closed_to,
            coalesce(least(floor(e.max_rate), 9223372036854775805)::bigint, 9223372036854775806) AS whole_rate
        FROM unnest(registers, max_rates) AS e (register, max_rate)
        JOIN ingest.rolled(newest) AS p ON p.share = e.register % 2
    )
    SELECT e.register FROM e WHERE EXISTS (
        SELECT FROM ingest.usage_hour AS h
        WHERE h.register = e.register AND h.fastest > e.whole_rate
            AND h.hour > suspect.since - interval '1 hour'
            AND h.known + 0 <= e.known AND (h.superseded IS NULL OR h.superseded > e.known))
    UNION
    SELECT l.register FROM ingest.late_hours('2000-01-01', '2100-01-01', newest) AS l WHERE l.register = ANY (registers)
    UNION
    -- As received: what was corrected since is named in any case.
    SELECT v.register FROM ingest.reading_override AS v
    WHERE v.register = ANY (registers) AND v.at >= fresh AND v.known <= newest
    UNION
    SELECT x.register FROM e AS x CROSS JOIN LATERAL (
        SELECT r.at, r.value, lag(r.at) OVER (ORDER BY r.at) AS at_before, lag(r.value) OVER (ORDER BY r.at) AS before
        FROM (
            SELECT r.at, r.value FROM ingest.reading AS r
            WHERE r.register = x.register AND r.at >= fresh AND r.known <= newest
            UNION ALL
            SELECT k.at, k.value FROM ingest.kept_reading AS k
            WHERE k.register = x.register AND k.at >= fresh AND k.known <= newest
        ) AS r
    ) AS p
    WHERE p.value < p.before OR (p.before IS NULL AND p.at >= x.closed_to)
        OR (p.at > p.at_before
            AND (p.value::numeric - p.before) * 3600 > x.max_rate * extract(epoch FROM p.at - p.at_before));
    SELECT min(edge) INTO first_edge FROM unnest(edges) AS edge;
    IF first_edge IS NULL THEN
        RETURN;
    END IF;
    RETURN QUERY WITH e AS MATERIALIZED (
        SELECT e.register, e.edge, p.known
        FROM unnest(registers, edges) AS e (register, edge)
        JOIN ingest.rolled(newest) AS p ON p.share = e.register % 2 WHERE e.edge IS NOT NULL
    )
    SELECT DISTINCT e.register FROM e WHERE NOT EXISTS (
        SELECT FROM ingest.usage_hour AS h
        WHERE h.register = e.register AND h.hour >= e.edge AND h.hour <= suspect.since - interval '1 hour'
            AND h.hour >= first_edge AND h.known <= e.known AND (h.superseded IS NULL OR h.superseded > e.known));
END $function$
-- owner: the administrator

CREATE OR REPLACE FUNCTION ingest.turning(bounds integer[], registers integer[], firsts timestamp with time zone[], lasts timestamp with time zone[], max_rates numeric[], glitches interval[], low timestamp with time zone, high timestamp with time zone, newest bigint)
 RETURNS TABLE(bound integer, at_before timestamp with time zone, before bigint, at timestamp with time zone, value bigint)
 LANGUAGE plpgsql
 STABLE
 SET plan_cache_mode TO 'force_custom_plan'
 SET "timescaledb.enable_runtime_exclusion" TO 'off'
AS $function$
#variable_conflict use_column
DECLARE
    late_registers int[];
    late_hours timestamptz[];
    zoned int[];
    zone_lows timestamptz[];
    zone_highs timestamptz[];
    zoned_late int[];
    late_lows timestamptz[];
    late_highs timestamptz[];
    zone_low timestamptz;
    zone_high timestamptz;
BEGIN
    -- Hours that are steep, and what no roll-up knows yet.
    SELECT array_agg(z.bound), array_agg(z.low), array_agg(z.high) INTO zoned, zone_lows, zone_highs
    FROM (
        WITH e AS MATERIALIZED (
            SELECT e.*, p.known, p.closed_to,
                coalesce(least(floor(e.max_rate), 9223372036854775805)::bigint, 9223372036854775806) AS whole_rate
            FROM unnest(bounds, registers, firsts, lasts, max_rates) AS e (bound, register, first, last, max_rate)
            JOIN ingest.rolled(newest) AS p ON p.share = e.register % 2
        )
        SELECT e.bound, greatest(h.hour, e.first) AS low,
            least(h.hour + interval '1 hour', e.last + interval '1 microsecond') AS high
        FROM e JOIN ingest.usage_hour AS h ON h.register = e.register AND h.fastest > e.whole_rate
            AND h.hour > e.first - interval '1 hour' AND h.hour <= e.last AND h.hour < e.closed_to
            AND h.hour > turning.low - interval '1 hour' AND h.hour < turning.high
            AND h.known + 0 <= e.known AND (h.superseded IS NULL OR h.superseded > e.known)
        UNION ALL
        SELECT e.bound, greatest(e.closed_to, e.first), e.last + interval '1 microsecond'
        FROM e WHERE e.last >= e.closed_to
    ) AS z;
    -- Hours that became known late, up to the reading after each.
    SELECT array_agg(l.register), array_agg(l.hour) INTO late_registers, late_hours
    FROM ingest.late_hours(turning.low, turning.high, newest) AS l WHERE l.register = ANY (registers);
    IF late_hours IS NOT NULL THEN
        SELECT array_agg(e.bound), array_agg(greatest(l.hour, e.first)),
            array_agg(least(coalesce(n.at, e.last), e.last) + interval '1 microsecond')
        INTO zoned_late, late_lows, late_highs
        FROM unnest(bounds, registers, firsts, lasts) AS e (bound, register, first, last)
        JOIN unnest(late_registers, late_hours) AS l (register, hour)
            ON l.register = e.register AND l.hour <= e.last AND l.hour > e.first - interval '1 hour'
        LEFT JOIN LATERAL ingest.first_reading(e.register, l.hour + interval '1 hour',
            e.last + interval '1 microsecond', turning.low, turning.high, newest) AS n ON true;
        zoned := zoned || zoned_late;
        zone_lows := zone_lows || late_lows;
        zone_highs := zone_highs || late_highs;
    END IF;
    IF zoned IS NULL THEN
        RETURN;
    END IF;
    SELECT min(z.low), max(z.high) INTO zone_low, zone_high FROM unnest(zone_lows, zone_highs) AS z (low, high);
    zone_low := greatest(zone_low, turning.low);
    zone_high := least(zone_high, turning.high);
    RETURN QUERY WITH turn AS MATERIALIZED (
        SELECT e.bound, e.register, e.last, e.glitch, p.at_before, p.before, p.at, p.value
        FROM unnest(zoned, zone_lows, zone_highs) AS z (bound, low, high)
        JOIN unnest(bounds, registers, firsts, lasts, max_rates, glitches)
            AS e (bound, register, first, last, max_rate, glitch) ON e.bound = z.bound
        LEFT JOIN LATERAL ingest.last_reading(e.register, e.first, z.low, turning.low, zone_high, newest) AS b ON true
        CROSS JOIN LATERAL (
            SELECT r.at, r.value, lag(r.at, 1, b.at) OVER (ORDER BY r.at) AS at_before,
                lag(r.value, 1, b.value) OVER (ORDER BY r.at) AS before
            FROM ingest.effective(e.register, z.low, z.high, newest) AS r
            WHERE r.at >= zone_low AND r.at < zone_high
        ) AS p
        WHERE p.value < p.before
            OR (p.value::numeric - p.before) * 3600 > e.max_rate * extract(epoch FROM p.at - p.at_before)
    )
    SELECT t.bound, t.at_before, t.before, t.at, t.value FROM turn AS t
    UNION ALL
    SELECT t.bound, t.at, t.value, r.at, r.value
    FROM turn AS t CROSS JOIN LATERAL ingest.effective(
        t.register, t.at, least(t.at + t.glitch, t.last) + interval '1 microsecond', newest) AS r
    WHERE t.glitch IS NOT NULL AND t.value < t.before AND r.at > t.at AND r.at >= zone_low AND r.at < turning.high;
END $function$
-- owner: the administrator

CREATE OR REPLACE FUNCTION visible.asset_ids()
 RETURNS SETOF integer
 LANGUAGE sql
 STABLE SECURITY DEFINER ROWS 200
 SET search_path TO 'pg_catalog'
AS $function$
    SELECT DISTINCT asset FROM contracts.party_asset WHERE party = visible.party()
$function$
-- owner: yardstick_visible

CREATE OR REPLACE FUNCTION visible.billed_contract_ids()
 RETURNS SETOF integer
 LANGUAGE sql
 STABLE SECURITY DEFINER ROWS 20
 SET search_path TO 'pg_catalog'
AS $function$
    SELECT contract FROM contracts.contract_party
    WHERE visible.reads_money() AND party = visible.party() AND role IN ('provider', 'customer', 'payer')
$function$
-- owner: yardstick_visible

CREATE OR REPLACE FUNCTION visible.contest_limits(contract_id integer, labels text[])
 RETURNS TABLE(label text, clause text, until timestamp with time zone)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog'
AS $function$
    SELECT p.label, c ->> 'clause', max((c ->> 'until')::timestamptz)
    FROM billing.invoice_part AS p JOIN billing.invoice AS i ON i.id = p.invoice
    JOIN contracts.contract AS k ON k.id = p.contract
    CROSS JOIN LATERAL jsonb_array_elements(i.issue -> 'contest_until') AS c
    WHERE p.contract = contract_id AND p.label = ANY (labels) AND c ->> 'contract' = k.name
        AND p.contract IN (SELECT visible.contract_ids())
    GROUP BY p.label, c ->> 'clause'
$function$
-- owner: yardstick_visible

CREATE OR REPLACE FUNCTION visible.contract_ids()
 RETURNS SETOF integer
 LANGUAGE sql
 STABLE SECURITY DEFINER ROWS 20
 SET search_path TO 'pg_catalog'
AS $function$
    SELECT contract FROM contracts.contract_party WHERE party = visible.party()
$function$
-- owner: yardstick_visible

CREATE OR REPLACE FUNCTION visible.counter_outside(bounds integer[], registers integer[], starts timestamp with time zone[], ends timestamp with time zone[], newest bigint)
 RETURNS TABLE(bound integer, at timestamp with time zone, value bigint)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog'
AS $function$
    SELECT o.bound, o.at, o.value
    FROM (
        SELECT array_agg(e.bound) AS bounds, array_agg(e.register) AS registers,
            array_agg(CASE WHEN visible.knows(e.register, e."start") THEN e."start" END) AS starts,
            array_agg(CASE WHEN visible.knows(e.register, e."end") THEN e."end" END) AS ends
        FROM unnest(bounds, registers, starts, ends) AS e (bound, register, "start", "end")
    ) AS a CROSS JOIN LATERAL ingest.outside(a.bounds, a.registers, a.starts, a.ends, newest) AS o
$function$
-- owner: yardstick_visible

CREATE OR REPLACE FUNCTION visible.gauge_shown(bounds integer[], registers integer[], firsts timestamp with time zone[], lasts timestamp with time zone[], starts timestamp with time zone[], ends timestamp with time zone[], noises bigint[], refills bigint[], newest bigint)
 RETURNS TABLE(bound integer, at timestamp with time zone, value bigint)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog'
AS $function$
    SELECT s.bound, s.at, s.value
    FROM (
        SELECT array_agg(e.bound) AS bounds, array_agg(e.register) AS registers, array_agg(e.first) AS firsts,
            array_agg(e.last) AS lasts, array_agg(e."start") AS starts, array_agg(e."end") AS ends,
            array_agg(e.noise) AS noises, array_agg(e.refill) AS refills
        FROM unnest(bounds, registers, firsts, lasts, starts, ends, noises, refills)
            AS e (bound, register, first, last, "start", "end", noise, refill)
        WHERE e.first <= e."end" AND e."start" < e.last AND (visible.operates() OR (
            SELECT range_agg(b.during * p.during) @> tstzrange(greatest(e.first, e."start"), least(e.last, e."end"))
            FROM ingest.register AS g
            JOIN ingest.binding AS b ON b.device = g.device AND b.superseded IS NULL
            JOIN contracts.party_asset AS p ON p.asset = b.asset AND p.party = visible.party()
            WHERE g.id = e.register))
    ) AS a
    CROSS JOIN LATERAL ingest.shown(
        a.bounds, a.registers, a.firsts, a.lasts, a.starts, a.ends, a.noises, a.refills, newest) AS s
$function$
-- owner: yardstick_visible

CREATE OR REPLACE FUNCTION visible.heard(ns integer[], registers integer[], starts timestamp with time zone[], ends timestamp with time zone[], firsts timestamp with time zone[], lasts timestamp with time zone[], silences interval[], newest bigint)
 RETURNS TABLE(n integer, received bigint, first_at timestamp with time zone, last_at timestamp with time zone, froms timestamp with time zone[], tos timestamp with time zone[])
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog'
AS $function$
    SELECT h.* FROM (
        SELECT array_agg(u.n) AS ns, array_agg(u.register) AS registers, array_agg(u."start") AS starts,
            array_agg(u."end") AS ends, array_agg(u.first) AS firsts, array_agg(u.last) AS lasts,
            array_agg(u.silence) AS silences
        FROM unnest(ns, registers, starts, ends, firsts, lasts, silences)
            AS u (n, register, "start", "end", first, last, silence)
        WHERE visible.knows(u.register, u."start") AND visible.knows(u.register, u."end")
    ) AS a CROSS JOIN LATERAL ingest.heard(
        a.ns, a.registers, a.starts, a.ends, a.firsts, a.lasts, a.silences, newest) AS h
$function$
-- owner: yardstick_visible

CREATE OR REPLACE FUNCTION visible.held(bounds integer[], registers integer[], sinces timestamp with time zone[], befores timestamp with time zone[], silences interval[], first timestamp with time zone, last timestamp with time zone, newest bigint)
 RETURNS TABLE(bound integer, first_at timestamp with time zone, last_at timestamp with time zone, last_value bigint, area numeric, held bigint)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog'
AS $function$
    SELECT h.* FROM visible.shown(bounds, registers, sinces, befores) AS s
    CROSS JOIN LATERAL ingest.held(s.bounds, s.registers, s.sinces, s.befores, silences, first, last, newest) AS h
$function$
-- owner: yardstick_visible

CREATE OR REPLACE FUNCTION visible.hours(bounds integer[], registers integer[], sinces timestamp with time zone[], befores timestamp with time zone[], first timestamp with time zone, last timestamp with time zone, newest bigint)
 RETURNS TABLE(bound integer, at timestamp with time zone, value bigint)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog'
AS $function$
    SELECT h.bound, h.at, h.value FROM visible.shown(bounds, registers, sinces, befores) AS s
    CROSS JOIN LATERAL ingest.hours(s.bounds, s.registers, s.sinces, s.befores, first, last, newest) AS h
$function$
-- owner: yardstick_visible

CREATE OR REPLACE FUNCTION visible.knows(register_id integer, instant timestamp with time zone)
 RETURNS boolean
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog'
AS $function$
    SELECT visible.operates() OR EXISTS (
        SELECT FROM ingest.register AS g
        JOIN ingest.binding AS b ON b.device = g.device AND b.superseded IS NULL
            AND (instant <@ b.during OR instant = upper(b.during))
        JOIN contracts.party_asset AS p ON p.asset = b.asset AND (instant <@ p.during OR instant = upper(p.during))
        WHERE g.id = register_id AND p.party = visible.party())
$function$
-- owner: yardstick_visible

CREATE OR REPLACE FUNCTION visible.latest_registers()
 RETURNS SETOF integer
 LANGUAGE sql
 STABLE SECURITY DEFINER ROWS 800
 SET search_path TO 'pg_catalog'
AS $function$
    SELECT l.register FROM contracts.party_asset AS p
    JOIN ingest.binding AS b ON b.asset = p.asset AND b.superseded IS NULL
    JOIN ingest.register AS g ON g.device = b.device
    JOIN ingest.latest AS l ON l.register = g.id AND l.at <@ b.during AND l.at <@ p.during
    WHERE p.party = visible.party()
$function$
-- owner: yardstick_visible

CREATE OR REPLACE FUNCTION visible.levels(bounds integer[], registers integer[], sinces timestamp with time zone[], befores timestamp with time zone[], first timestamp with time zone, last timestamp with time zone, newest bigint)
 RETURNS TABLE(bound integer, readings bigint, lowest bigint, highest bigint, last_at timestamp with time zone, last_value bigint)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog'
AS $function$
    SELECT l.* FROM visible.shown(bounds, registers, sinces, befores) AS s
    CROSS JOIN LATERAL ingest.levels(s.bounds, s.registers, s.sinces, s.befores, first, last, newest) AS l
$function$
-- owner: yardstick_visible

CREATE OR REPLACE FUNCTION visible.near(edges integer[], registers integer[], starts timestamp with time zone[], ends timestamp with time zone[], instants timestamp with time zone[], low timestamp with time zone, first timestamp with time zone, last timestamp with time zone, high timestamp with time zone, newest bigint)
 RETURNS TABLE(edge integer, at_before timestamp with time zone, before bigint, at_after timestamp with time zone, after bigint)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog'
AS $function$
    SELECT n.edge, n.at_before, n.before, n.at_after, n.after
    FROM (
        SELECT array_agg(e.edge) AS edges, array_agg(e.register) AS registers, array_agg(e."start") AS starts,
            array_agg(e."end") AS ends, array_agg(e.at) AS instants
        FROM unnest(edges, registers, starts, ends, instants) AS e (edge, register, "start", "end", at)
        WHERE visible.knows(e.register, e.at)
    ) AS a CROSS JOIN LATERAL ingest.near(
        a.edges, a.registers, a.starts, a.ends, a.instants, low, first, last, high, newest) AS n
$function$
-- owner: yardstick_visible

CREATE OR REPLACE FUNCTION visible.operates()
 RETURNS boolean
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog'
AS $function$
    SELECT coalesce(current_setting('yardstick.role', true) IN ('operator', 'device_manager'), false)
$function$
-- owner: the administrator

CREATE OR REPLACE FUNCTION visible.party()
 RETURNS integer
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog'
AS $function$
    SELECT nullif(current_setting('yardstick.party', true), '')::int
$function$
-- owner: the administrator

CREATE OR REPLACE FUNCTION visible.readings(asset_id integer, path text, since timestamp with time zone, before timestamp with time zone, most integer)
 RETURNS TABLE(at timestamp with time zone, value bigint, received_at timestamp with time zone, raw text, device text, time_status text)
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog'
 SET plan_cache_mode TO 'force_custom_plan'
AS $function$
#variable_conflict use_column
BEGIN
    RETURN QUERY SELECT r.at, r.value, r.received_at, r.raw, d.name, r.time_status::text
    FROM ingest.binding AS b
    JOIN ingest.device AS d ON d.id = b.device
    JOIN ingest.register AS g ON g.device = b.device
    JOIN LATERAL (
        SELECT r.at, CASE WHEN o.is_there THEN o.value ELSE r.value END AS value, r.received_at, r.raw, r.time_status
        FROM ingest.reading AS r
        LEFT JOIN LATERAL (
            SELECT v.value, true AS is_there FROM ingest.reading_override AS v
            WHERE v.register = r.register AND v.at = r.at ORDER BY v.known DESC LIMIT 1
        ) AS o ON true
        WHERE (o.is_there IS NULL OR o.value IS NOT NULL) AND r.register = g.id
            AND r.at >= readings.since AND r.at < readings.before
            AND r.at >= lower(b.during) AND (upper_inf(b.during) OR r.at < upper(b.during))
        ORDER BY r.at LIMIT most
    ) AS r ON true
    WHERE b.asset = asset_id AND b.superseded IS NULL AND b.position || '/' || g.name = readings.path
        AND (visible.operates() OR EXISTS (
            SELECT FROM contracts.party_asset AS p
            WHERE p.party = visible.party() AND p.asset = asset_id AND r.at <@ p.during))
    ORDER BY r.at LIMIT most;
END $function$
-- owner: yardstick_visible

CREATE OR REPLACE FUNCTION visible.reads_money()
 RETURNS boolean
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog'
AS $function$
    SELECT coalesce(current_setting('yardstick.role', true) IN ('customer', 'finance'), false)
$function$
-- owner: the administrator

CREATE OR REPLACE FUNCTION visible.said(bounds integer[], registers integer[], sinces timestamp with time zone[], befores timestamp with time zone[], gaps interval[], first timestamp with time zone, last timestamp with time zone, newest bigint)
 RETURNS TABLE(bound integer, at timestamp with time zone, heard timestamp with time zone, value bigint)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog'
AS $function$
    WITH shown AS (
        SELECT e.bound, e.register, lower(s.during) AS since, upper(s.during) AS before, e.gap
        FROM unnest(bounds, registers, sinces, befores, gaps) AS e (bound, register, since, before, gap)
        CROSS JOIN LATERAL (
            SELECT tstzrange(e.since, e.before) WHERE e.since < e.before AND visible.operates()
            UNION ALL
            SELECT unnest(range_agg(b.during * p.during * tstzrange(e.since, e.before)))
            FROM ingest.register AS g
            JOIN ingest.binding AS b ON b.device = g.device AND b.superseded IS NULL
            JOIN contracts.party_asset AS p ON p.asset = b.asset AND p.party = visible.party()
            WHERE g.id = e.register AND e.since < e.before AND NOT visible.operates()
        ) AS s (during)
    )
    SELECT s.bound, s.at, s.heard, s.value
    FROM (SELECT array_agg(x.bound) AS bounds, array_agg(x.register) AS registers, array_agg(x.since) AS sinces,
        array_agg(x.before) AS befores, array_agg(x.gap) AS gaps FROM shown AS x) AS a
    CROSS JOIN LATERAL ingest.said(a.bounds, a.registers, a.sinces, a.befores, a.gaps, first, last, newest) AS s
$function$
-- owner: yardstick_visible

CREATE OR REPLACE FUNCTION visible.shown(bounds integer[], registers integer[], sinces timestamp with time zone[], befores timestamp with time zone[])
 RETURNS TABLE(bounds integer[], registers integer[], sinces timestamp with time zone[], befores timestamp with time zone[])
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog'
AS $function$
    SELECT array_agg(e.bound), array_agg(e.register), array_agg(lower(s.during)), array_agg(upper(s.during))
    FROM unnest(shown.bounds, shown.registers, shown.sinces, shown.befores) AS e (bound, register, since, before)
    CROSS JOIN LATERAL (
        SELECT tstzrange(e.since, e.before) WHERE e.since < e.before AND visible.operates()
        UNION ALL
        SELECT unnest(range_agg(b.during * p.during * tstzrange(e.since, e.before)))
        FROM ingest.register AS g
        JOIN ingest.binding AS b ON b.device = g.device AND b.superseded IS NULL
        JOIN contracts.party_asset AS p ON p.asset = b.asset AND p.party = visible.party()
        WHERE g.id = e.register AND e.since < e.before AND NOT visible.operates()
    ) AS s (during)
$function$
-- owner: yardstick_visible

CREATE OR REPLACE FUNCTION visible.shown_before(bounds integer[], registers integer[], sinces timestamp with time zone[], instants timestamp with time zone[], low timestamp with time zone, high timestamp with time zone, newest bigint)
 RETURNS TABLE(bound integer, at timestamp with time zone, value bigint)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog'
AS $function$
    SELECT b.bound, b.at, b.value
    FROM ingest.shown_before(bounds, registers, sinces, instants, low, high, newest) AS b
    JOIN unnest(bounds, registers, instants) AS e (bound, register, instant) ON e.bound = b.bound
    WHERE visible.knows(e.register, e.instant)
$function$
-- owner: yardstick_visible

CREATE OR REPLACE FUNCTION visible.skew(asset_id integer, since timestamp with time zone, before timestamp with time zone, newest bigint)
 RETURNS TABLE(device text, readings bigint, shortest interval, middle interval, longest interval, status text)
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog'
 SET plan_cache_mode TO 'force_custom_plan'
AS $function$
#variable_conflict use_column
BEGIN
    RETURN QUERY SELECT d.name, count(*), min(r.received_at - r.at),
        percentile_disc(0.5) WITHIN GROUP (ORDER BY r.received_at - r.at), max(r.received_at - r.at),
        coalesce(r.time_status::text, '')
    FROM (
        SELECT b.device, unnest(range_agg(b.during * s.during)) AS during
        FROM ingest.binding AS b
        CROSS JOIN LATERAL (
            SELECT tstzrange(skew.since, skew.before) WHERE visible.operates()
            UNION ALL
            SELECT p.during * tstzrange(skew.since, skew.before) FROM contracts.party_asset AS p
            WHERE p.party = visible.party() AND p.asset = asset_id AND NOT visible.operates()
        ) AS s (during)
        WHERE b.asset = asset_id AND b.superseded IS NULL
        GROUP BY b.device
    ) AS t
    JOIN ingest.device AS d ON d.id = t.device
    JOIN ingest.register AS g ON g.device = t.device
    JOIN ingest.reading AS r ON r.register = g.id AND r.at >= lower(t.during) AND r.at < upper(t.during)
    WHERE r.at >= skew.since AND r.at < skew.before AND r.known <= newest
    GROUP BY d.name, r.time_status ORDER BY 1, 6;
END $function$
-- owner: yardstick_visible

CREATE OR REPLACE FUNCTION visible.stated_versions(contract_id integer)
 RETURNS SETOF text
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog'
AS $function$
    SELECT v.document FROM contracts.version AS v
    WHERE v.contract = contract_id AND v.contract IN (SELECT visible.contract_ids()) ORDER BY v.version
$function$
-- owner: yardstick_visible

CREATE OR REPLACE FUNCTION visible.stating_contract_ids()
 RETURNS SETOF integer
 LANGUAGE sql
 STABLE SECURITY DEFINER ROWS 20
 SET search_path TO 'pg_catalog'
AS $function$
    SELECT contract FROM contracts.contract_party
    WHERE current_setting('yardstick.role', true) IN ('operator', 'finance') AND party = visible.party() AND role = 'provider'
$function$
-- owner: yardstick_visible

CREATE OR REPLACE FUNCTION visible.statuses()
 RETURNS TABLE(contract integer, label text, starts_at timestamp with time zone, ends_at timestamp with time zone, until timestamp with time zone, evaluated_at timestamp with time zone, verdicts jsonb)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog'
AS $function$
    SELECT s.contract, p.label, p.starts_at, p.ends_at, s.until, s.evaluated_at, coalesce((
        SELECT jsonb_agg(jsonb_build_object('clause', v -> 'clause', 'kind', v -> 'kind', 'asset', v -> 'asset',
            'state', v -> 'state', 'status', v -> 'status', 'certain', v -> 'certain',
            'values', (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(v -> 'values')
                WHERE key IN ('required', 'excluded', 'counted', 'down', 'availability', 'coverage'))) ORDER BY n)
        FROM jsonb_array_elements(s.result -> 'verdicts') WITH ORDINALITY AS e (v, n)
        WHERE v ->> 'kind' IN ('availability', 'performance', 'event_guarantee', 'obligation')), '[]')
    FROM contracts.standing AS s JOIN contracts.period AS p ON p.id = s.period
    WHERE s.contract IN (SELECT visible.contract_ids())
$function$
-- owner: yardstick_visible

CREATE OR REPLACE FUNCTION visible.suspect(registers integer[], max_rates numeric[], edges timestamp with time zone[], since timestamp with time zone, newest bigint)
 RETURNS SETOF integer
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog'
AS $function$
    SELECT ingest.suspect(registers, max_rates, edges, since, newest)
$function$
-- owner: yardstick_visible

CREATE OR REPLACE FUNCTION visible.turning(bounds integer[], registers integer[], firsts timestamp with time zone[], lasts timestamp with time zone[], max_rates numeric[], glitches interval[], low timestamp with time zone, high timestamp with time zone, newest bigint)
 RETURNS TABLE(bound integer, at_before timestamp with time zone, before bigint, at timestamp with time zone, value bigint)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog'
AS $function$
    SELECT t.bound, t.at_before, t.before, t.at, t.value
    FROM ingest.turning(bounds, registers, firsts, lasts, max_rates, glitches, low, high, newest) AS t
    JOIN unnest(bounds, registers) AS e (bound, register) ON e.bound = t.bound
    WHERE visible.knows(e.register, t.at)
$function$
-- owner: yardstick_visible
