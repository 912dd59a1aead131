-- Two roles of PostgreSQL: viberdash_owner owns the tables and changes them at upgrades, viberdash runs the product.
-- Whoever takes over the product then can't drop the triggers that refuse to change the ledger and the audit trail. See production.md.
-- Run it as a superuser in the database of ViberDash, after the first `manage.py prepare`.

REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA public TO viberdash_owner;
GRANT USAGE ON SCHEMA public TO viberdash;

GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO viberdash;
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO viberdash;
-- what the triggers refuse anyway; entries and links of the trail are deleted under a seal
REVOKE UPDATE, DELETE ON campaigns_auditseal FROM viberdash;
REVOKE UPDATE ON campaigns_auditentry, campaigns_auditlink FROM viberdash;
-- the same for what later upgrades add
ALTER DEFAULT PRIVILEGES FOR ROLE viberdash_owner IN SCHEMA public
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO viberdash;
ALTER DEFAULT PRIVILEGES FOR ROLE viberdash_owner IN SCHEMA public
    GRANT USAGE, SELECT ON SEQUENCES TO viberdash;
