from bench.table import table


def test_the_first_column_is_to_the_left_and_the_others_to_the_right() -> None:
    assert table(("name", "n"), [("a", "10"), ("longer", "7")]).splitlines() == [
        "name     n",
        "a       10",
        "longer   7",
    ]
