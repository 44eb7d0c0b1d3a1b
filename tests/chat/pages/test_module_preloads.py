"""The modules that a page preloads: each once, whatever the form of the import."""

import pytest

from chat.pages.module_preloads import imported_modules

FILES = {
    "a/page.js": 'import { x } from "./b.js";\nimport {\n  y,\n  z,\n} from "./deep/c.js";\n',
    "a/b.js": '// "./not.js"\nimport "./deep/c.js";\nexport { x } from "./d.js";\nimport("./late.js");\n',
    "a/deep/c.js": 'import * as page from "../page.js";\nimport other from "elsewhere";\n',
    "a/d.js": 'export const from = "./nothing.js";\nexport function x() {}\n',
}


def test_each_module_comes_once_the_nearest_first() -> None:
    assert imported_modules("a/page.js", FILES.__getitem__) == ["a/b.js", "a/deep/c.js", "a/d.js"]


def test_a_module_without_imports_needs_no_preload() -> None:
    assert imported_modules("a/d.js", FILES.__getitem__) == []


def test_a_missing_module_is_named() -> None:
    with pytest.raises(KeyError, match=r"a/gone\.js"):
        imported_modules("a/x.js", {"a/x.js": 'import "./gone.js";'}.__getitem__)
