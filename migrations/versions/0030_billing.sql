-- A period that had nothing to bill may be billed later although its contract has no invoice to refer to.
ALTER TABLE billing.correction ALTER COLUMN corrects DROP NOT NULL;
ALTER TABLE billing.correction ADD CONSTRAINT correction_of_something CHECK (corrects IS NOT NULL OR kind = 'delta_line');
