ALTER TABLE billing.account ADD COLUMN purchase_order_required boolean NOT NULL DEFAULT false;
