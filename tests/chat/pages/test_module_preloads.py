"""Which modules a page needs: each once, whatever the form of the import."""

import pytest

from chat.pages.module_preloads import needed

FILES = {
    "a/page.js": 'import { x } from "./b.js";\nimport {\n  y,\n  z,\n} from "./deep/c.js";\n',
    "a/b.js": '// "./not.js"\nimport "./deep/c.js";\nexport { x } from "./d.js";\nimport("./late.js");\n',
    "a/deep/c.js": 'import * as page from "../page.js";\nimport other from "elsewhere";\n',
    "a/d.js": 'export const from = "./nothing.js";\nexport function x() {}\n',
}


def test_each_module_comes_once_the_nearest_first() -> None:
    assert needed("a/page.js", FILES.__getitem__) == ["a/b.js", "a/deep/c.js", "a/d.js"]


def test_a_module_that_imports_nothing_needs_nothing() -> None:
    assert needed("a/d.js", FILES.__getitem__) == []


def test_a_module_that_is_not_there_is_told_by_its_name() -> None:
    with pytest.raises(KeyError, match=r"a/gone\.js"):
        needed("a/x.js", {"a/x.js": 'import "./gone.js";'}.__getitem__)
