-- The window of a promise that was missed: a period may hold several. NULL: recorded before this, the first of its period.
ALTER TABLE contracts.breach ADD COLUMN window_start timestamptz;
ALTER TABLE contracts.breach DROP CONSTRAINT breach_contract_clause_asset_period_evaluation_key;
ALTER TABLE contracts.breach ADD CONSTRAINT breach_once
    UNIQUE NULLS NOT DISTINCT (contract, clause, asset, period, evaluation, window_start);
