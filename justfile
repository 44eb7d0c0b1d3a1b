# The chores of the project: `uv run --project tests just VERB`. CI runs the same verbs.

export UV_PROJECT := "tests"

# list the verbs
_list:
    @{{just_executable()}} --list --unsorted

# run Tailrace on this machine
up *arguments:
    uv run manage.py up {{arguments}}

# report everything that can be checked without a test
check:
    uv run ruff check .
    uv run ruff format --check .
    uv run mypy
    uv run lint-imports
    uv run typos
    uv run djlint --quiet --lint templates
    npm run --silent lint
    npm run --silent types
    uv run manage.py makemigrations --check --dry-run
    SECRET_KEY={{uuid()}}{{uuid()}} DATABASE_URL=postgres://localhost/tailrace uv run manage.py check --deploy --fail-level WARNING

# repair what can be repaired: lint, format, spelling
fix:
    uv run ruff check --fix .
    uv run ruff format .
    uv run typos --write-changes
    npm run --silent fix

# write the page's modules and stylesheets into one file each; commit them with a change of the page
build:
    npm run --silent build

# the fast tier, in about a minute: no browser, no deployment, no server per test
test *arguments:
    uv run pytest -m "not slow" -n auto {{arguments}}

# the whole suite with the floor of its coverage; or a part, by arguments for pytest
test-all *arguments:
    uv run {{ if arguments == "" { "python -m slipcover --json --out .coverage.json -m pytest" } else { "pytest " + arguments } }}
    {{ if arguments == "" { "uv run python -m slipcover --merge .coverage.json --out .coverage.json --fail-under 98" } else { "" } }}

# measure what a change costs: `just bench --quick`, `just bench --help`
bench *arguments:
    uv run python -m bench {{arguments}}

# renew the screenshots and the recording in docs
docs:
    uv run python -m tests.browser.screenshots
    uv run python -m tests.browser.recording
