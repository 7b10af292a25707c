-- Documents and evaluations are large and written once or twice each: lz4 compresses them in a fraction of the time.
-- What is stored already stays as it is, and is read as before. A server that was built without lz4 keeps its own way.
DO $$
BEGIN
    ALTER TABLE billing.draft ALTER COLUMN document SET COMPRESSION lz4, ALTER COLUMN metering SET COMPRESSION lz4,
        ALTER COLUMN credit_notes SET COMPRESSION lz4, ALTER COLUMN corrections SET COMPRESSION lz4;
    ALTER TABLE billing.invoice ALTER COLUMN document SET COMPRESSION lz4;
    ALTER TABLE billing.line ALTER COLUMN steps SET COMPRESSION lz4;
    ALTER TABLE contracts.evaluation ALTER COLUMN result SET COMPRESSION lz4,
        ALTER COLUMN evidence SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported THEN
    RAISE NOTICE 'this server knows no lz4; documents are compressed as before';
END
$$;
