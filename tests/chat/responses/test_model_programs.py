"""Programs are loaded, or refused by the name of their model, with the remedy."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.checks import run_checks
from pytest_django import Settings

from chat.responses.model_catalog import DEMO, DEMO_PROGRAM, ModelConfig
from chat.responses.model_programs import UnusableProgramError, faults, load

MODULES = {
    "good.py": "async def support(ask):\n    yield ask\n",
    "plain.py": "async def support(ask):\n    return ask\n",
    "lacking.py": "import no_such_library.part\n",
    "lacking_name.py": "from json import hush_no_such_name\n",
    "raising.py": "raise RuntimeError('hush')\n",
    "leaving.py": "raise SystemExit('hush')\n",
    "broken.py": "async def support(ask) hush\n",
}


@pytest.fixture(autouse=True)
def _modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    package = tmp_path / "shop_of_tests"
    package.mkdir()
    for name, source in MODULES.items():
        (package / name).write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    yield
    for name in [name for name in sys.modules if name.startswith("shop_of_tests")]:
        del sys.modules[name]


def test_a_program_is_an_async_generator_function() -> None:
    assert load(ModelConfig("m", program="shop_of_tests.good:support")).__name__ == "support"
    assert faults([ModelConfig("far", "http://gpu/v1"), ModelConfig(DEMO, program=DEMO_PROGRAM)]) == []


@pytest.mark.parametrize(
    ("program", "found", "remedy"),
    [
        ("no_such_shop:support", "there is no module no_such_shop", "Python path"),
        ("no_such_shop.answers:support", "there is no module no_such_shop", "Python path"),
        ("shop_of_tests.none:support", "there is no module shop_of_tests.none", "Python path"),
        ("shop_of_tests.good:none", "the module shop_of_tests.good has no none", "after the colon"),
        ("shop_of_tests.plain:support", "is no async generator function", "with a `yield`"),
        ("shop_of_tests.lacking:support", "raised ModuleNotFoundError (no_such_library)", "manage.py shell"),
        ("shop_of_tests.lacking_name:support", "raised ImportError (json)", "manage.py shell"),
        (
            "shop_of_tests.raising:support",
            "shop_of_tests.raising raised RuntimeError",
            "manage.py shell",
        ),
        ("shop_of_tests.leaving:support", "raised SystemExit", "manage.py shell"),
        ("shop_of_tests.broken:support", "raised SyntaxError", "manage.py shell"),
    ],
)
def test_an_unusable_program_is_one_sentence_and_a_remedy(program: str, found: str, remedy: str) -> None:
    model = ModelConfig("support", program=program)
    with pytest.raises(UnusableProgramError) as raised:
        load(model)
    assert str(raised.value).startswith("model support: ")
    assert found in str(raised.value)
    assert remedy in raised.value.remedy
    assert "hush" not in str(raised.value) + raised.value.remedy
    assert "\n" not in str(raised.value) + raised.value.remedy
    assert [str(fault) for fault in faults([model])] == [str(raised.value)]


@pytest.mark.django_db  # some checks ask it since Django 6.1
def test_an_unusable_program_is_a_warning_of_the_check(settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "models.toml"
    entries = {"good": "shop_of_tests.good:support", "bad": "shop_of_tests.good:none"}
    file.write_text("".join(f'[[models]]\nname = "{n}"\nprogram = "{p}"\n' for n, p in entries.items()))
    settings.TAILRACE_MODELS = str(file)
    [warning] = [found for found in run_checks() if found.id == "chat.W002"]
    assert warning.msg == "model bad: the module shop_of_tests.good has no none."
    assert warning.hint == "Correct the name after the colon in `program`."
