-- Two roles of PostgreSQL: viberdash_owner owns the tables and changes them at upgrades, viberdash runs the product.
-- Whoever takes over the product then can't drop the triggers that refuse to change the ledger. See production.md.
-- Run it as a superuser in the database of ViberDash, after the first `manage.py prepare`.

REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA public TO viberdash_owner;
GRANT USAGE ON SCHEMA public TO viberdash;

GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO viberdash;
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO viberdash;
-- the same for what later upgrades add
ALTER DEFAULT PRIVILEGES FOR ROLE viberdash_owner IN SCHEMA public
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO viberdash;
ALTER DEFAULT PRIVILEGES FOR ROLE viberdash_owner IN SCHEMA public
    GRANT USAGE, SELECT ON SEQUENCES TO viberdash;
