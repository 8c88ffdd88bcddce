import pytest

from r1light.graders.formula_list import expand_plus_minus, named_parts, pair_values, split_list


@pytest.mark.parametrize(
    ("formula", "parts"),
    [
        ("1, 2; 3", ["1", "2", "3"]),
        ("(1,2),(3,4)", ["(1,2)", "(3,4)"]),
        (r"\{1,2\}, [3,4)", [r"\{1,2\}", "[3,4)"]),
        (r"\begin{pmatrix}1,2\end{pmatrix}, 5", [r"\begin{pmatrix}1,2\end{pmatrix}", "5"]),
        (r"\frac{1}{2},", [r"\frac{1}{2}"]),
        ("", []),
    ],
)
def test_commas_in_brackets_do_not_split(formula, parts):
    assert split_list(formula) == parts


@pytest.mark.parametrize(
    ("formula", "expanded"),
    [
        (r"\pm 3", "3, -3"),
        (r"x=\pm 3", "x=3, x=-3"),
        (r"1 \mp i", "1 - i, 1 + i"),
        (r"(1, \pm 2)", "(1, 2), (1, -2)"),
        (r"a \pm b \pm c", r"a \pm b \pm c"),  # the signs may go together or not
        (r"x < \pm 2", r"x < \pm 2"),
        ("x+1", "x+1"),
    ],
)
def test_both_signs(formula, expanded):
    assert expand_plus_minus(formula) == expanded


@pytest.mark.parametrize(
    ("formula", "named"),
    [
        ("x=1, y=2", {"x": "1", "y": "2"}),
        ("(a, b) = (1, 2)", {"a": "1", "b": "2"}),
        (r"a_{1}=3, a_{2}=4", {"a_{1}": "3", "a_{2}": "4"}),
        ("x=1, x=2", None),
        ("x=1", None),
        ("1, 2", None),
        ("x=1, 2", None),
        ("x=y=1, z=2", None),
    ],
)
def test_values_by_name(formula, named):
    assert named_parts(formula) == named


@pytest.mark.parametrize(
    ("answer", "pairs"),
    [
        ("y=5, x=4", [("1", "4"), ("2", "5")]),
        ("(4, 5)", [("1", "4"), ("2", "5")]),
        ("4, 5", [("1", "4"), ("2", "5")]),
        ("(x=4, y=5)", [("1", "4"), ("2", "5")]),
        (r"\left\{x=4, y=5\right\}", [("1", "4"), ("2", "5")]),
        (r"\begin{cases} y = 5 \\ x = 4 \end{cases}", [("1", "4"), ("2", "5")]),
        (r"\left\{\begin{array}{l}x=4\\y=5\end{array}\right.", [("1", "4"), ("2", "5")]),
        ("(f(4), 5)", [("1", "f(4)"), ("2", "5")]),
        (r"\{4, 5\}", None),
        ("(4), (5)", [("1", "(4)"), ("2", "(5)")]),
        ("x=4", None),
        ("x=4, z=5", None),
        ("4, 5, 6", None),
        ("4, y=5", None),
        ("", None),
    ],
)
def test_pairs(answer, pairs):
    assert pair_values({"x": "1", "y": "2"}, answer) == pairs
