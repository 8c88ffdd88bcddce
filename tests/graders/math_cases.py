# ruff: noqa: E501
"""Labelled answers: (reference, answer, whether it is right). Written from the definitions of the answers."""

RIGHT = [
    # whole numbers
    ("42", "42"), ("42", " 42. "), ("42", "+42"), ("-7", "−7"), ("1234", "1,234"), ("1,234,567", "1234567"),
    ("1000", "1{,}000"), ("32348", r"32,\!348"), ("0", "0"), ("0", "-0"), ("42", "042"), ("42", "４２"),
    # decimals
    ("0.5", ".5"), ("2.50", "2.5"), ("3", "3.0"), ("1500", "1.5e3"), ("1500", r"1.5\times 10^{3}"),
    ("0.003", "3*10^-3"), ("1/3", "0.333333"), (r"\frac{2}{3}", "0.666667"),
    # fractions
    ("1/2", r"\frac{1}{2}"), (r"\frac{1}{2}", "0.5"), (r"\frac12", "2/4"), (r"\dfrac{3}{4}", "3/4"),
    (r"-\frac{5}{3}", "-5/3"), (r"\frac{-5}{3}", r"-\frac{5}{3}"), (r"\frac{7}{2}", r"3\frac{1}{2}"),
    ("3.5", "3 1/2"), ("3.5", "3½"), (r"\frac{\sqrt{2}}{2}", r"\frac{1}{\sqrt{2}}"),
    # where the answer stands
    ("42", r"\boxed{42}"), ("42", r"The sum is \boxed{42}."), ("42", r"\boxed{41}, no: \boxed{42}"),
    ("42", "The answer is 42."), ("42", "The final answer is: 42"), ("42", "**42**"), ("42", "$42$"),
    ("42", r"\(42\)"), ("42", "x = 42"), ("x=42", "42"), ("42", "so 42"), ("42", "20 + 22 = 42"),
    (r"\frac{1}{2}", r"\[\frac{1}{2}\]"), ("x^2+1", "Answer: $x^2+1$"), ("42", "She has 42 apples left."), ("42", "With $x=40$ the total is $x+2=42$."),
    (r"x^2+1", "We get $x^2+1$ in the end"), ("5", "$5$ cm"), ("a^2+b^2+c^2", "$a^2+b^2+$ $c^2$"),
    # money, units, percent
    ("36", r"\$36"), (r"\$36", "36 dollars"), ("18.90", "$18.90"), ("5", "5 cm"), (r"5\text{ cm}", "5"),
    (r"5\text{ cm}", "5 centimeters"), ("5", "5 apples"), (r"12\text{ cm}^2", "12 square centimeters"),
    ("45", r"45^\circ"), (r"45^{\circ}", "45 degrees"), ("60", "60 mph"), ("60 mph", "60 miles per hour"),
    ("50", r"50\%"), ("50%", "0.5"), ("50\\%", "50 percent"), ("0.125", "12.5%"), ("5000000", "5 million"),
    ("9", "9 m"), (r"3\sqrt{2}\text{ cm}", r"3\sqrt{2}"),
    # Chinese phrasing
    ("42", "答案是42"), ("42", "答案：42。"), ("42", "所以答案为 42"), ("5", "5个"), ("30", "30元"),
    ("30000", "3万"), ("12", "12平方厘米"), ("3.5", "３．５"),
    # roots, powers, constants
    (r"3\sqrt{2}", r"\sqrt{18}"), ("2*sqrt(3)", r"2\sqrt{3}"), ("√2", r"\sqrt{2}"), (r"2\pi", "2*pi"),
    (r"2\pi", "2π"), (r"\frac{\pi}{6}", "pi/6"), ("8", "2^3"), (r"e^2", "e^{2}"), (r"\ln 2", "ln(2)"),
    (r"\sin^2 t", r"\sin(t)^2"), ("120", "5!"), (r"\binom{5}{2}", "10"), (r"\log_2 8", "3"),
    # algebra
    ("x^2+1", "1+x^2"), ("(x+1)^2", "x^2+2x+1"), ("a+b+c", "c+b+a"), ("2x+1", "y=2x+1"), ("x**2", "x^2"),
    ("x^2+y^2=1", "x^2+y^2-1=0"), (r"\frac{x}{2}", "0.5x"), ("6x - 3", "3(2x-1)"),
    ("x^4-x^3+x^2-x+1", "x^4 - x^3 + x^2 - x + 1"), ("2+3i", "3i+2"), (r"2007 + \frac\pi 2", r"2007+\frac{\pi}{2}"),
    # intervals, sets, pairs, inequalities
    ("[1,2)", "[1, 2)"), (r"(-\infty,2)\cup(3,\infty)", r"(3,\infty)\cup(-\infty,2)"), ("x>2", "2<x"),
    (r"(1,\infty)", "(1, ∞)"), ("[-2,7]", r"x \in [-2,7]"), ("1<x<2", "(1,2)"), (r"\{x|-2\leq x<1\}", "[-2,1)"),
    (r"\{1,2,3\}", "{3, 2, 1}"), ("1,2", "2, 1"), ("1, 2", "1 and 2"), ("$2$ and $5$", "5, 2"), (r"\pm 2", "2, -2"),
    (r"2, 3, \text{ and } 4", "4, 3, 2"), ("(3,-4)", "(3, -4)"), (r"\left( 3, \frac{\pi}{2} \right)", "(3, pi/2)"),
    # matrices
    (r"\begin{pmatrix}1\\2\end{pmatrix}", r"\begin{bmatrix} 1 \\ 2 \end{bmatrix}"),
    (r"\begin{pmatrix}1&2\\3&4\end{pmatrix}", "[[1, 2], [3, 4]]"),
    (r"\left[\begin{array}{l}0.5 \\ 2\end{array}\right]", "\\begin{pmatrix}1/2\\\\\n2\\end{pmatrix}"),
    # words
    (r"\text{Evelyn}", "Evelyn"), ("Evelyn", "evelyn."), ("no solution", "No solution"), (r"\text{even}", "even"),
    ("Monday", "The answer is Monday."), ("the Moon", "Moon"), ("5:00", "05:00"), ("0.5", "It is .5 of all."), ("42", "there are 42 of them"), ("没有解", "没有解。"),
]  # fmt: skip

WRONG = [
    ("42", "43"), ("42", "-42"), ("42", "4 2"), ("42", "0.42"), ("42", "420"), ("42", ""), ("42", "   "),
    ("42", "I do not know"), ("42", "41 or 42"), ("42", "41, 42"), ("42", "$41$ or $42$"), ("42", "42, 43 and 44"),
    ("42", "somewhere between 40 and 42"), ("42", r"\boxed{42} or rather \boxed{43}"), ("42", r"\boxed{}"),
    ("42", "not 42"), ("42", "42x"), ("42", "42 pi"), ("42", "42 million"), ("42", "x > 42"), ("42", "x = 43"),
    ("42", "forty-three"), ("42", "42 dozen"), ("1234", "1,235"), ("1/3", "0.33"), ("1/3", "0.3333"), ("0", "0.0000001"),
    ("10000000", "10000000.5"), ("1/2", "1/3"), (r"\frac{1}{2}", "2"), (r"\frac{1}{2}", "1/0"), ("3.5", "3 1/3"),
    ("5 cm", "5 m"), (r"5\text{ cm}^2", "5 cm"), (r"\$36", "36 cents"), ("50%", "5000%"), ("50%", "0.05"), ("5", "50%"),
    ("60 mph", "60 km/h"), ("30000", "3亿"), ("42", "答案是43"), (r"3\sqrt{2}", r"\sqrt{20}"), (r"2\pi", "6.28"),
    (r"2\pi", "2"), ("x^2+1", "x^2-1"), ("x^2+1", "x^2"), ("a+b+c", "a+b"), ("x=42", "y=42"), ("2+3i", "2-3i"),
    ("|x|", "x"), ("[1,2)", "[1,2]"), ("[1,2)", "(1,2)"), ("x>2", "x<2"), ("x>2", r"x\ge 2"), ("(1,2)", "(1,3)"),
    (r"(-\infty,2)\cup(3,\infty)", r"(3,\infty)"), (r"\{1,2,3\}", r"\{1,2\}"), ("1,2", "1"), ("1", "1,2"),
    ("(3,-4)", "(-4,3)"), (r"\pm 2", "2"), (r"\begin{pmatrix}1\\2\end{pmatrix}", r"\begin{pmatrix}2\\1\end{pmatrix}"),
    (r"\begin{pmatrix}1&2\\3&4\end{pmatrix}", r"\begin{pmatrix}1&2\\3&5\end{pmatrix}"),
    (r"\text{Evelyn}", "Angela"), ("even", "odd"), ("even", "never"), ("no solution", "one solution"), ("Monday", "5"),
    (r"\infty", r"-\infty"), ("x", r"\frac{"), ("42", r"\frac{42"), ("5:00", "5:30"), (r"\{x|-2\leq x<1\}", "1"),
    ("m^2", "m"), ("42", "42 is wrong"), ("8", "2^4"), ("b > a > c", "a > b > c"),
    ("5", ".5"), ("5", "5!"), ("42", "$40$ then $42$"), ("42", "If $x=42$ it is $43$"), ("5 m", "$5$ cm"), ("42", "It is not 42"), ("5", "She has 5 million dollars"), ("42", "more than 42"),
    ("42", "the answer is not 42"), ("42", "1, 2, 3, 42"), ("42", "41 42"), ("42", "half of 42"), ("3", "3.14"),
]  # fmt: skip
