-- In which language somebody reads the portal; null: that of their party's bills, else the browser's.
ALTER TABLE api.person ADD COLUMN language text CHECK (language IN ('en', 'de', 'fr'));
-- People choose it themselves, on a page or at the command line.
GRANT UPDATE (language) ON api.person TO yardstick_worker, yardstick_api;
