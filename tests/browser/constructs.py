"""Markdown that models write every day: 50 constructs, each with the HTML that it means."""

CONSTRUCTS: dict[str, tuple[str, str]] = {
    "paragraphs": ("One.\n\nTwo.", "<p>One.</p><p>Two.</p>"),
    "a line break": ("One\ntwo", "<p>One<br>two</p>"),
    "a hard line break": ("One  \ntwo\\\nthree", "<p>One<br>two<br>three</p>"),
    "bold and italic": (
        "**b** *i* __b__ _i_",
        "<p><strong>b</strong> <em>i</em> <strong>b</strong> <em>i</em></p>",
    ),
    "bold in italic": ("*a **b** c*", "<p><em>a <strong>b</strong> c</em></p>"),
    "bold Chinese": (
        "**中文：**内容，内容**「引用」**内容。**链接。**",  # noqa: RUF001
        "<p><strong>中文：</strong>内容，内容<strong>「引用」</strong>内容。<strong>链接。</strong></p>",  # noqa: RUF001
    ),
    "bold Korean and Japanese": (
        "**작업(하나)**을 하고 *です。*次",
        "<p><strong>작업(하나)</strong>을 하고 <em>です。</em>次</p>",
    ),
    "strikethrough": ("~~gone~~", "<p><del>gone</del></p>"),
    "words with underscores": ("snake_case_name and 2 * 3 * 4", "<p>snake_case_name and 2 * 3 * 4</p>"),
    "patterns of files": ("Delete *.pyc and *.log", "<p>Delete *.pyc and *.log</p>"),
    "code in a line": ("Run `ls -l` now", "<p>Run <code>ls -l</code> now</p>"),
    "code with backticks": ("`` code with `x` ``", "<p><code>code with `x`</code></p>"),
    "code with marks": ("`**a** <b> $x$`", "<p><code>**a** &lt;b&gt; $x$</code></p>"),
    "headings": ("# A\n## B\n### C", "<h1>A</h1><h2>B</h2><h3>C</h3>"),
    "closed headings": ("## A ##\ntext", "<h2>A</h2><p>text</p>"),
    "underlined headings": ("A\n===\n\nB\n---", "<h1>A</h1><h2>B</h2>"),
    "a bold heading": ("### **1. A**\ntext", "<h3><strong>1. A</strong></h3><p>text</p>"),
    "a rule": ("a\n\n---\n\nb", "<p>a</p><hr><p>b</p>"),
    "bullets": ("- a\n- b\n* c", "<ul><li>a</li><li>b</li></ul><ul><li>c</li></ul>"),
    "nested bullets": (
        "- a\n  - b\n    - c\n- d",
        "<ul><li>a<ul><li>b<ul><li>c</li></ul></li></ul></li><li>d</li></ul>",
    ),
    "numbers": ("1. a\n2. b\n10. c", "<ol><li>a</li><li>b</li><li>c</li></ol>"),
    "numbers from three": ("3. a\n4. b", "<ol start=3><li>a</li><li>b</li></ol>"),
    "numbers with parentheses": ("1) a\n2) b", "<ol><li>a</li><li>b</li></ol>"),
    "numbers with empty lines": ("1. a\n\n2. b", "<ol><li>a</li><li>b</li></ol>"),
    "bullets under numbers": (
        "1. **A**\n   - x\n   - y\n2. **B**",
        "<ol><li><strong>A</strong><ul><li>x</li><li>y</li></ul></li><li><strong>B</strong></li></ol>",
    ),
    "bullets under numbers after an empty line": (
        "1. a\n\n   - x\n\n2. b",
        "<ol><li>a<ul><li>x</li></ul></li><li>b</li></ol>",
    ),
    "a second paragraph of an item": ("- a\n\n  b\n- c", "<ul><li>a<p>b</p></li><li>c</li></ul>"),
    "a continued line of an item": ("- a\nb\n- c", "<ul><li>a<br>b</li><li>c</li></ul>"),
    "steps with code": (
        "1. Do:\n   ```sh\n   ls\n   ```\n2. Then:\n   ```sh\n   cd\n   ```",
        "<ol><li>Do:<pre><code class=language-sh>ls\n</code></pre></li>"
        "<li>Then:<pre><code class=language-sh>cd\n</code></pre></li></ol>",
    ),
    "steps with code after empty lines": (
        "1. Do:\n\n    ```py\n    def f():\n        return 1\n    ```\n\n2. Next",
        "<ol><li>Do:<pre><code class=language-py>def f():\n    return 1\n</code></pre></li>"
        "<li>Next</li></ol>",
    ),
    "an empty line in the code of an item": (
        "- a\n  ```\n  x\n\n  y\n  ```\n- b",
        "<ul><li>a<pre><code>x\n\ny\n</code></pre></li><li>b</li></ul>",
    ),
    "tasks": (
        "- [x] a\n- [ ] b",
        "<ul><li><input checked> a</li><li><input> b</li></ul>",
    ),
    "a quotation": ("> a\n> b\n\nc", "<blockquote><p>a<br>b</p></blockquote><p>c</p>"),
    "a nested quotation": ("> a\n>> b", "<blockquote><p>a</p><blockquote><p>b</p></blockquote></blockquote>"),
    "a list in a quotation": ("> a\n>\n> - b", "<blockquote><p>a</p><ul><li>b</li></ul></blockquote>"),
    "code in a quotation": (
        "> ```sh\n> ls\n> ```\n\nafter **x**",
        "<blockquote><pre><code class=language-sh>ls\n</code></pre></blockquote>"
        "<p>after <strong>x</strong></p>",
    ),
    "code": ("```py\nx = 1\n```\nafter", "<pre><code class=language-py>x = 1\n</code></pre><p>after</p>"),
    "code with fences in it": (
        "````md\n```\na\n```\n````",
        "<pre><code class=language-md>```\na\n```\n</code></pre>",
    ),
    "code with tildes": ("~~~\na\n~~~", "<pre><code>a\n</code></pre>"),
    "a table": (
        "| a | b |\n|---|---|\n| 1 | 2 |\n\nx",
        "<table><thead><tr><th>a</th><th>b</th></tr></thead>"
        "<tbody><tr><td>1</td><td>2</td></tr></tbody></table><p>x</p>",
    ),
    "a table with sides": (
        "| a | b | c |\n|:--|:-:|--:|\n| 1 | 2 | 3 |",
        "<table><thead><tr><th align=left>a</th><th align=center>b</th><th align=right>c</th></tr></thead>"
        "<tbody><tr><td align=left>1</td><td align=center>2</td><td align=right>3</td></tr></tbody></table>",
    ),
    "a table without outer lines": (
        "a | b\n--|--\n1 | 2",
        "<table><thead><tr><th>a</th><th>b</th></tr></thead><tbody><tr><td>1</td><td>2</td></tr></tbody></table>",
    ),
    "a table with spaces behind its lines": (
        "| a | b |  \n|---|---|  \n| 1 | 2 |  \n\nx",
        "<table><thead><tr><th>a</th><th>b</th></tr></thead>"
        "<tbody><tr><td>1</td><td>2</td></tr></tbody></table><p>x</p>",
    ),
    "a table in an item": (
        "- t:\n\n  | a |\n  |---|\n  | 1 |",
        "<ul><li>t:<table><thead><tr><th>a</th></tr></thead><tbody><tr><td>1</td></tr></tbody></table></li></ul>",
    ),
    "a table with code that has a line": (
        "| a |\n|---|\n| `x \\| y` **b** |",
        "<table><thead><tr><th>a</th></tr></thead>"
        "<tbody><tr><td><code>x | y</code> <strong>b</strong></td></tr></tbody></table>",
    ),
    "a link": (
        "[F](https://en.wikipedia.org/wiki/Foo_(bar)) x",
        "<p><a href='https://en.wikipedia.org/wiki/Foo_(bar)'>F</a> x</p>",
    ),
    "addresses": (
        "<https://a.org/> https://b.org/x. www.c.org d@e.org",
        "<p><a href='https://a.org/'>https://a.org/</a> <a href='https://b.org/x'>https://b.org/x</a>."
        " <a href='http://www.c.org/'>www.c.org</a> <a href='mailto:d@e.org'>d@e.org</a></p>",
    ),
    "a link with its address below": (
        "See [the text][1] and [1].\n\n[1]: https://a.org/ 'Title'",
        "<p>See <a href='https://a.org/'>the text</a> and <a href='https://a.org/'>1</a>.</p>",
    ),
    "references to characters": (
        "AT&amp;T &lt;div&gt; &nbsp;&copy; &#8364; &check; & &unknown;",
        "<p>AT&amp;T &lt;div&gt; &nbsp;&copy; &#8364; ✓ &amp; &amp;unknown;</p>",
    ),
    "escaped marks": (r"\*a\* \# \`x\` \$5 1\. \d", "<p>*a* # `x` $5 1. \\d</p>"),
}
