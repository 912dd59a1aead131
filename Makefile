# What can be done with this tree. `make` alone lists it.

# The first Python that is new enough; another one: make run PYTHON=/path/to/python3
PYTHON = $(shell for name in python3 python3.13 python3.12 python3.11 python3.14 python; do \
	"$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo "$$name"; break; }; done)
BIN := .venv/bin
PIP := $(BIN)/python -m pip install -qq --disable-pip-version-check

# Nothing of an installation's own settings reaches the checks.
CHECK_ENV := ENV_FILE=/dev/null DEBUG=true SECRET_KEY=checks BSG_API_KEY=test_checks

# Node comes with requirements-dev.txt; what it runs comes with package-lock.json.
NODE := $(BIN)/node node_modules/.bin
CSS := "{campaigns,static}/**/*.css"
JS := "static/**/*.js" "*.config.js"

.DEFAULT_GOAL := help
.PHONY: help run worker install test lint format lock migrations structure diagrams texts vendor bench-dispatch bench-follow bench-faults verify beside fresh-clone verify-install looks chaos full-disk mutations hosts fuzz bench-import bench-contacts bench-reports bench-growth bench-flood bench-web bench-pages bench-webhooks bench-clicks bench-cap bench-audience bench-move bench-idle clean

help: ## list what can be done
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: .venv/installed .env ## install, prepare and start everything; Ctrl-C ends it (PORT=8001 for another port)
	@exec $(BIN)/python manage.py run

worker: .venv/installed ## install and start a worker machine beside others, with a .env like theirs; Ctrl-C ends it
	@test -e .env || { echo "Copy .env from a machine of the installation first." >&2; exit 1; }
	@exec $(BIN)/python manage.py run worker sweep

install: .venv/installed ## make .venv with what the product runs on

test: .venv/installed-dev lint ## check the code and run every test, on PostgreSQL and Redis too where they answer
	@exec $(BIN)/python -m tests

lint: .venv/installed-dev node_modules/installed ## check style, types, layers, migrations and known vulnerabilities
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/djangofmt --check .
	$(NODE)/prettier --check $(CSS) $(JS)
	$(NODE)/stylelint $(CSS)
	$(NODE)/eslint .
	$(BIN)/hadolint Dockerfile
	$(CHECK_ENV) $(BIN)/mypy
	$(CHECK_ENV) $(BIN)/lint-imports --no-logo
	$(CHECK_ENV) $(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/python -m tests.project.audit

structure: .venv/installed-dev ## print how the tree measures: sizes of folders, files, functions and lines
	@exec $(BIN)/python -m tests.project.structure

diagrams: docs/images/flow.svg ## draw the diagrams of the docs (needs dot of Graphviz)

%.svg: %.dot
	dot -Tsvg $< -o $@

texts: .venv/installed-dev ## print every text of the pages, to be read
	@exec $(BIN)/python -m tests.project.texts

format: .venv/installed-dev node_modules/installed ## put the code into its usual form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/djangofmt .
	$(NODE)/prettier --write --log-level=warn $(CSS) $(JS)

# It needs nothing but uv, so that it works in the middle of a merge too, when the lock itself can't be installed.
UPGRADE = --upgrade
lock: ## renew requirements*.txt from requirements*.in (with UPGRADE= only what no longer fits)
	@test -x $(BIN)/uv || $(MAKE) .venv/installed-dev
	@for set in requirements requirements-dev; do \
		$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-strip-extras --no-emit-index-url \
			--custom-compile-command "make lock" $(UPGRADE) $$set.in --output-file $$set.txt || exit 1; \
	done

migrations: .venv/installed-dev ## write the migrations that changed models call for
	$(CHECK_ENV) $(BIN)/python manage.py makemigrations

vendor: .venv/installed-dev ## fetch the third-party files under static/vendor anew
	$(BIN)/python static/vendor/refresh.py

bench-dispatch: .venv/installed-dev ## how fast a campaign goes out, as ratios to the wire (takes some minutes)
	@exec $(BIN)/python -m tests.benchmarks.bench_dispatch

# Everything goes on after a failure, and the end says what failed. What is added here is too long for `make test`.
VERIFY := fresh-clone verify-install beside looks fuzz chaos full-disk mutations
verify: .venv/installed-dev ## what is too long for `make test`: each of the targets up to mutations (root on Linux; some hours)
	@failed=; for part in $(VERIFY); do echo "== make $$part"; $(MAKE) --no-print-directory $$part || failed="$$failed $$part"; done; \
		if [ -n "$$failed" ]; then echo "Failed:$$failed" >&2; exit 1; fi; echo "All of it passed: $(VERIFY)"

fresh-clone: .venv/installed-dev ## install and start what is committed, in a clone that is deleted afterwards (a minute or two)
	@exec $(BIN)/python -m tests.project.fresh_clone

verify-install: .venv/installed-dev ## install in a fresh Debian by the commands of docs/production.md, up to a rehearsal (root on Linux; ten minutes)
	@command -v debootstrap >/dev/null || { test "$$(id -u)" = 0 && apt-get install -y -qq debootstrap >/dev/null; }
	@exec $(BIN)/python -m tests.project.verify_install

looks: .venv/installed-dev ## every page at three widths, light and dark, with pictures in screenshots/ (some minutes)
	@mkdir -p screenshots
	@SCREENSHOTS=$(CURDIR)/screenshots $(BIN)/python -m tests -q tests/browser

fuzz: .venv/installed-dev ## ask every address for nonsense, on each database: EXAMPLES requests for each form and page (some minutes)
	@FUZZ_EXAMPLES=$(or $(EXAMPLES),60) $(BIN)/python -m tests -q tests/addresses tests/api tests/hostile

mutations: .venv/installed-dev ## make one mistake at a time in the core, and print which no test notices (ONLY="campaigns.ledger*"; hours)
	@$(BIN)/python -m mutmut run --max-children $(or $(CHILDREN),1) $(ONLY) > mutants.log 2>&1 || { tail -c 2000 mutants.log; exit 1; }
	@exec $(BIN)/python -m tests.project.mutations

chaos: .venv/installed-dev ## kill, rob and crash a whole installation that sends 100,000 messages under a frequency cap (takes about a quarter of an hour)
	@exec $(BIN)/python -m tests.chaos --database $(or $(CHAOS_DATABASE),own) --recipients 50000 --cap 2 --kills 200 --restarts 3 \
		--machines 3 --workers 4 --rate 350 --every 1.3 --minutes 60

full-disk: .venv/installed-dev ## fill the disk of the database while a campaign goes out (root on Linux; three minutes)
	@exec $(BIN)/python -m tests.chaos.full_disk

beside: .venv/installed-dev ## run this version beside the last release while campaigns go out, and go back (PostgreSQL's programs; ten minutes)
	@ALL_MIGRATIONS=1 $(BIN)/python -m tests -q tests/project/test_migration_locks.py
	@exec $(BIN)/python -m tests.chaos.beside

hosts: .venv/installed-dev ## spread an installation over hosts of its own, and cut one off while it sends (root on Linux; two minutes)
	@exec $(BIN)/python -m tests.chaos.hosts

bench-follow: .venv/installed-dev ## how well status calls use their connections, as ratios to connections / latency
	@exec $(BIN)/python -m tests.benchmarks.bench_follow

bench-faults: .venv/installed-dev ## how much longer a campaign takes where the gateway fails and workers die (some minutes)
	@exec $(BIN)/python -m tests.benchmarks.bench_faults

bench-import: .venv/installed-dev ## how fast a file becomes contacts, as ratios to the database and to other tools (takes some minutes)
	@exec $(BIN)/python -m tests.benchmarks.bench_import

bench-contacts: .venv/installed-dev ## pages of lists and searches with 5,000,000 contacts (takes about ten minutes)
	@exec $(BIN)/python -m tests.benchmarks.bench_contacts

bench-cap: .venv/installed-dev ## freezing 1,000,000 contacts with a frequency cap, as a ratio to without (some minutes)
	@exec $(BIN)/python -m tests.benchmarks.bench_frequency_cap

bench-audience: .venv/installed-dev ## counting 1,000,000 contacts on two lists, as ratios to one bare pass (takes about two minutes)
	@exec $(BIN)/python -m tests.benchmarks.bench_audience

bench-reports: .venv/installed-dev ## what the pages cost with 10,000,000 recipients, as ratios to 100,000 (takes about ten minutes)
	@exec $(BIN)/python -m tests.benchmarks.bench_reports

bench-growth: .venv/installed-dev ## pages with 30,000,000 recipients on PostgreSQL, as ratios to 10,000,000, and what a million take (an hour, 35 GB)
	@exec $(BIN)/python -m tests.benchmarks.bench_growth

bench-flood: .venv/installed-dev ## how many delivery reports one web process answers, and what that does to pages and sending (takes five minutes)
	@exec $(BIN)/python -m tests.benchmarks.bench_reports_flood

bench-web: .venv/installed-dev ## requests per second with and without stalled clients, as ratios to an empty application (takes two minutes)
	@exec $(BIN)/python -m tests.benchmarks.bench_web

bench-pages: .venv/installed-dev ## pages a second and their 95th percentile, as ratios to an empty page; how long they block a slow phone
	@exec $(BIN)/python -m tests.benchmarks.bench_pages

bench-move: .venv/installed-dev ## how long moving to PostgreSQL takes with 1,000,000 recipients, as ratios to plain COPY (ten minutes)
	@exec $(BIN)/python -m tests.benchmarks.bench_move

bench-idle: .venv/installed-dev ## what an installation costs while nothing happens, as ratios to what it once cost (two minutes, Linux)
	@exec $(BIN)/python -m tests.benchmarks.bench_idle

bench-webhooks: .venv/installed-dev ## sending with a webhook that wants all 1,000,000 events, as a ratio to none (PEOPLE=10000 for fewer)
	@exec $(BIN)/python -m tests.benchmarks.bench_webhooks --people $(or $(PEOPLE),1000000)

bench-clicks: .venv/installed-dev ## tracked links a second while a campaign is sent, as ratios to an empty view (a minute and a half)
	@exec $(BIN)/python -m tests.benchmarks.bench_clicks

clean: ## remove what was installed and cached; data in var/ and .env stay
	rm -rf .venv node_modules .mypy_cache .ruff_cache .pytest_cache .import_linter_cache mutants mutants.log var/static
	find . -name __pycache__ -not -path './.git/*' -type d -prune -exec rm -rf {} +

.env: .env.example | .venv/installed
	@test -e .env || $(BIN)/python -m viberdash.dotenv

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "ViberDash needs Python 3.11 or newer, and found none. Name one: make run PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -m venv .venv || { rm -rf .venv; echo "Could not make .venv. On Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }

.venv/installed: requirements.txt | .venv/bin/python
	@echo "Installing what ViberDash runs on. This is done once."
	@$(PIP) -r requirements.txt
	@touch $@

.venv/installed-dev: requirements-dev.txt requirements.txt | .venv/bin/python
	@echo "Installing what the tests need. This is done once."
	@$(PIP) -r requirements-dev.txt
	@touch $@ .venv/installed

node_modules/installed: package-lock.json .npmrc | .venv/installed-dev
	@echo "Installing what formats and checks the CSS and JavaScript. This is done once."
	@$(BIN)/npm ci --loglevel=error
	@touch $@
