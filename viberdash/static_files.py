"""The browser's files in production: named by their content, compressed, kept for ever by whoever
has fetched them.
"""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedStaticFiles(CompressedManifestStaticFilesStorage):
    # A script that another one imports has such a name too: no browser goes on with an old one
    # after an upgrade.
    support_js_module_import_aggregation = True
