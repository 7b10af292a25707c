-- A period is evaluated again as of the same knowledge where the one before was in between: what that one leaves is an input.
ALTER TABLE contracts.evaluation
    ADD CONSTRAINT evaluation_contract_period_known_until_input_hash_key
        UNIQUE (contract, period, known, until, input_hash),
    DROP CONSTRAINT evaluation_contract_period_known_until_key;
