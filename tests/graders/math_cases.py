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

RIGHT += [
    # fractions, as LaTeX lets one write them
    (r"\frac{1}{2}", r"\frac1{2}"), (r"\frac{1}{2}", r"\frac{1}2"), (r"\frac{1}{2}", r"\tfrac{1}{2}"), (r"\frac{1}{2}", r"\cfrac{1}{2}"),
    (r"\frac{11}{2}", r"{11 \over 2}"), (r"\frac{3}{4}", r"\frac{ 3 }{ 4 }"), (r"-\frac{1}{2}", r"\frac{1}{-2}"), (r"-\frac{1}{2}", "-0.5"),
    (r"\frac{22}{7}", r"3\frac17"), (r"\frac{22}{7}", "22/7"), (r"\frac{100}{3}", r"33\frac{1}{3}"), (r"\frac{1}{2}", r"\left(\frac{1}{2}\right)"),
    (r"\frac{\frac{1}{2}}{3}", r"\frac{1}{6}"), (r"\frac{x+1}{2}", "(x+1)/2"), (r"\frac{x+1}{2}", r"\frac{1}{2}x+\frac{1}{2}"), (r"\frac{\pi}{2}", r"\frac{1}{2}\pi"),
    (r"\frac{2}{\sqrt{3}}", r"\frac{2\sqrt{3}}{3}"), (r"\frac{\sqrt3}{3}", r"\frac{\sqrt{3}}{3}"), ("0.125", r"\frac{1}{8}"), (r"\frac{7}{20}", "0.35"),
    # roots
    (r"\sqrt{2}", r"\sqrt2"), (r"\sqrt{2}", "sqrt(2)"), (r"\sqrt{2}", r"2^{1/2}"), (r"\sqrt{2}", r"2^{\frac{1}{2}}"), (r"\sqrt[3]{8}", "2"),
    (r"\sqrt[3]{2}", "2^{1/3}"), (r"\sqrt{12}", r"2\sqrt{3}"), (r"4\sqrt{5}", r"\sqrt{80}"), (r"1+\sqrt{2}", r"\sqrt{2}+1"), (r"\sqrt{5}-1", r"-1+\sqrt{5}"),
    (r"\sqrt{3+2\sqrt{2}}", r"1+\sqrt{2}"), (r"\frac{1+\sqrt{5}}{2}", r"\frac{1}{2}+\frac{\sqrt{5}}{2}"), (r"\frac{1}{1+\sqrt{2}}", r"\sqrt{2}-1"), (r"5 \sqrt 2", r"5\sqrt{2}"),
    # numbers: signs, zeros, separators, powers of ten
    ("7", "07"), ("1.5", "1.50"), ("1.5", "01.5"), ("-3", "- 3"), ("-3", r"-3."), ("3", "+3"), ("10000", "10,000"), ("10,000", "10 000"), ("1000000", r"1\,000\,000"),
    ("1000000", r"10^6"), ("1000000", "1e6"), ("0.00012", r"1.2\times 10^{-4}"), ("4.5e33", r"4.5 \times 10^{33}"), ("6.02e23", r"6.02\cdot 10^{23}"), ("2^{10}", "1024"),
    ("1024", r"2^{10}"), ("0.1", "1/10"), ("0.1", r"10^{-1}"), ("27.0", "27"), ("120", "5!"), (r"\frac{6!}{3!}", "120"), (r"\binom{6}{2}", "15"), (r"\dbinom{5}{2}", "10"), ("15", r"\tbinom{6}{2}"),
    ("1000", "10^3"), ("3^{20}", "3486784401"), ("2^{1009}", r"2 \cdot 2^{1008}"), ("100!", r"100 \cdot 99!"),
    # money and units
    (r"\$4", r"$\$4$"), (r"$\$ 3040$", "3040"), (r"$\$ 3040$", r"\$3,040"), ("12.50", r"\$12.50"), ("12.5", "$12.50"), ("5", "5 dollars"), ("18", r"18\text{ dollars}"), ("18", r"\boxed{\$18}"), ("20", "€20"), ("20", "20 euros"),
    (r"12\text{ cm}", r"12\,\text{cm}"), (r"12\text{ cm}", r"12\,\mathrm{cm}"), ("12", r"12\ \mathrm{km/h}"), (r"30\text{ mph}", "30 mph"), (r"25\text{ m}^2", r"25\ \text{m}^2"), (r"25\text{ m}^2", "25 m²"), (r"25\text{ m}^2", "25"),
    (r"36\pi\text{ cm}^3", r"36\pi"), (r"36\pi", r"36\pi\text{ cm}^3"), (r"36\pi", r"36\pi \mathrm{~cm}^3"), ("1.6", r"1.6 \mathrm{~cm}"), (r"9.8 \mathrm{~m} / \mathrm{s}^{2}", r"9.8"), ("9.8", r"9.8\text{ m/s}^2"),
    ("60", r"60^{\circ}"), ("60", "60°"), (r"60^\circ", "60"), (r"60^\circ", r"60\text{ degrees}"), ("7", "7 hours"), ("7", "seven hours is 7 hours"), ("40", "40 square units"), ("15", r"15\text{ units}"), ("3", "3 boys"), ("12", "12 people."),
    (r"5\text{ minutes}", "5 min"), ("20 $cm^{2}$", "20"), ("20 $cm^{2}$", r"20\text{ cm}^2"), ("3 m", "3 metres"), ("2 hours", "2 hrs"),
    # percent
    ("25", r"25\%"), (r"25\%", "25"), ("0.25", r"25\%"), (r"\frac{1}{4}", "25%"), ("12.5%", r"12.5\%"), (r"12.5\%", r"\frac{1}{8}"), ("5.3%", "5.3 percent"), ("100%", "1"), ("33%", r"33\,\%"), (r"33\frac{1}{3}\%", r"\frac{1}{3}"),
    # what stands around an answer
    ("42", "Final Answer: 42"), ("42", r"The final answer is $42$. I hope it is correct."), ("42", r"Therefore, the answer is $\boxed{42}$."), ("42", r"$\boxed{42}$"), ("42", r"$$\boxed{42}$$"), ("42", r"\boxed{ 42 }"), ("42", r"\fbox{42}"),
    ("42", r"\boxed{\boxed{42}}"), ("42", r"\boxed{\text{42}}"), ("42", r"\boxed{x=42}"), ("42", r"\boxed{$42$}"), ("42", r"\boxed{\mathbf{42}}"), ("42", r"\boxed{42.}"), ("42", r"\boxed{42}\text{.}"), ("42", r"\boxed 42"),
    ("42", r"# Answer" + "\n42"), ("42", "**Answer:** 42"), ("42", "**Answer: 42**"), ("42", "Answer: $42$"), ("42", "`42`"), ("42", "The answer is **42**."), ("42", "#### 42"), ("42", "Thus $n = 42$."), ("42", "Hence, we get 42."),
    ("42", "The answer to the question is 42."), ("42", "ANSWER = 42"), ("42", "First I thought \\boxed{7}. Wait, that is wrong.\nSo \\boxed{42}"), ("42", "<answer>42</answer>"), ("42", r"<answer> \boxed{42} </answer>"), ("42", r"<think>maybe \boxed{7}</think><answer>42</answer>"),
    (r"\frac{3}{4}", r"The probability is $\frac{3}{4}$."), (r"\frac{3}{4}", r"So the probability equals \(\frac{3}{4}\)."), ("2x+1", "The derivative is $2x+1$."), ("2x+1", "f(x) = 2x + 1"), ("2x+1", "$f(x)=2x+1$"), ("f(x)=2x+1", "2x+1"), (r"x \in [1,2]", "[1,2]"),
    (r"\boxed{42}", "42"), (r"$42$", "42"), (r"\(42\)", "42"), ("$$42$$", "42"), ("42.", "42"),
    # algebra
    ("x^2-1", "(x-1)(x+1)"), ("(x-1)(x+1)", "x^{2}-1"), ("2(x+3)", "2x+6"), ("x(x+1)", "x^2+x"), ("3x^2y", "3yx^2"), ("3x^2y", r"3 x^{2} y"), ("x/2", r"\frac{x}{2}"), (r"\frac{1}{x}", "x^{-1}"), (r"\frac{a}{b}+\frac{c}{d}", r"\frac{ad+bc}{bd}"),
    ("a^2-b^2", "(a+b)(a-b)"), ("xy", r"x \cdot y"), ("xy", "x*y"), ("-x+1", "1-x"), ("10-4 n", "10-4n"), (r"\frac{x^2-1}{x-1}", "x+1"), ("e^{2x}", r"e^{x}\cdot e^{x}"), ("x^{10}", "x^10"), ("2^{x+1}", r"2\cdot 2^x"), ("ab+ab^2+b", "b+ab+ab^2"),
    (r"\sqrt{x^2+1}", r"(x^2+1)^{1/2}"), (r"|x|", r"\left|x\right|"), (r"|x-1|", r"\lvert x-1 \rvert"), (r"a_1+a_2", "a_{1}+a_{2}"), (r"n(n+1)/2", r"\frac{n(n+1)}{2}"), (r"\frac{n^2+n}{2}", r"\frac{n(n+1)}{2}"),
    # trigonometry, logarithms, exponentials
    (r"\sin^2 x", r"1-\cos^2 x"), (r"\sin 2x", r"2\sin x\cos x"), (r"\tan x", r"\frac{\sin x}{\cos x}"), (r"\sin(30^\circ)", "0.5"), (r"\sin\frac{\pi}{6}", r"\frac12"), (r"\cos \pi", "-1"), (r"\ln e^2", "2"), (r"\ln(8)", r"3\ln 2"), (r"\log_{10} 100", "2"), (r"\log_2 3", r"\frac{\ln 3}{\ln 2}"),
    (r"\ln 2", r"\log_e 2"), (r"e^{\ln 3}", "3"), (r"\arctan 1", r"\frac{\pi}{4}"), (r"\cos^2 x - \sin^2 x", r"\cos 2x"), (r"\exp(2)", "e^2"), (r"\arcsin(1)", r"\frac{\pi}{2}"), (r"\sin^{-1}(1)", r"\frac{\pi}{2}"),
    # complex numbers
    ("1+2i", "2i+1"), (r"-1-\sqrt{3}i", r"-1-i\sqrt{3}"), (r"\frac{1}{2}+\frac{1}{2}i", r"\frac{1+i}{2}"), ("i^2", "-1"), ("(1+i)^2", "2i"), (r"1-\mathrm{i}", "1-i"), (r"\frac{1}{i}", "-i"),
    # equations
    ("x=5", "x = 5"), ("x=5", "5=x"), ("y=2x+1", "y = 1 + 2x"), ("y=-2x+5", "2x+y=5"), ("2x+4y=8", "x+2y=4"), (r"\frac{x^2}{2}-\frac{y^2}{4}=1", r"\frac{x^{2}}{2} - \frac{y^{2}}{4} = 1"), ("x^2+y^2=4", "y^2+x^2=4"), ("x=1, y=2", "x=1,y=2"), ("x=1, y=2", "y=2, x=1"), ("x=1 and y=2", "x=1, y=2"), (r"x=1,\ y=2", r"x = 1 \text{ and } y = 2"),
    ("d=5, M=(1,2)", "d = 5, M = (1, 2)"), (r"x=\frac{1}{2}", "0.5"), ("a=3, b=4", r"a=3,\; b=4"),
    # intervals and unions
    ("(1,2)", r"\left(1,2\right)"), ("[0,1]", "[0, 1.0]"), (r"[0,\infty)", r"[0,+\infty)"), (r"[0,+\infty)", "[0, inf)"), (r"(-\infty,3]", r"x\le 3"), (r"x\le 3", r"(-\infty, 3]"), (r"(1,3)\cup(5,7)", r"(5,7)\cup(1,3)"), (r"\left(-\infty,-1\right]\cup\left[1,\infty\right)", r"(-\infty,-1] \cup [1,\infty)"), (r"[\frac{1}{2},1)", "[0.5,1)"), (r"(1,2]", r"1 < x \le 2"), (r"\{x \mid 1 < x \le 2\}", "(1,2]"), (r"(2,\infty)", "x > 2"), ("[1,2]", r"$x \in [1,2]$"), (r"(0,1)\cup(1,\infty)", r"(0, 1) ∪ (1, ∞)"), (r"[-1,1]", r"-1 \leqslant x \leqslant 1"),
    # inequalities
    ("x<3", "3>x"), (r"x \geq -2", "x >= -2"), (r"x \geqslant -2", r"x \ge -2"), ("-1<x<1", "1>x>-1"), ("x>1/2", "x>0.5"), (r"a\le 3", r"a \leqslant 3"), ("2x<6", "x<3"),
    # sets and lists
    (r"\{1,2\}", r"\{2,1\}"), (r"\{1,2\}", r"\left\{1,2\right\}"), (r"\{1,2\}", "{1, 2}"), (r"\{1,2\}", "1, 2"), ("1, 2", r"\{1,2\}"), ("1,2,3", "3,2,1"), ("1 or 2", "1, 2"), (r"1 \text{ or } 2", "2 or 1"), (r"x=1 \text{ or } x=2", "1, 2"), ("1,2", "x=1, x=2"), (r"\{-1,0,1\}", r"\{0,1,-1\}"), (r"\emptyset", r"\varnothing"), (r"\emptyset", r"\{\}"), (r"\{\frac{1}{2},\frac{1}{3}\}", r"\{\frac{1}{3}, 0.5\}"), ("$0.05$ and $0.6$", "0.6, 0.05"), (r"\{5\}", "5"), ("5", r"\{5\}"), ("$48$, $384$", "48, 384"), ("48, 384", "48 and 384"), (r"\mathbb{R}", r"(-\infty,\infty)"),
    # plus or minus
    (r"\pm 3", "3, -3"), ("3,-3", r"\pm 3"), (r"x=\pm 3", r"\pm 3"), (r"x = \pm 3", "x=3 or x=-3"), (r"1 \pm \sqrt{2}", r"1+\sqrt{2}, 1-\sqrt{2}"), (r"1 \pm \sqrt{2}", r"1-\sqrt{2}, 1+\sqrt{2}"), (r"\frac{5 \pm \sqrt{241}}{12}", r"\frac{5+\sqrt{241}}{12}, \frac{5-\sqrt{241}}{12}"), (r"x=0, \frac{5 \pm \sqrt{61}}{18}", r"0, \frac{5+\sqrt{61}}{18}, \frac{5-\sqrt{61}}{18}"), ("±3", "3, -3"), (r"0, \pm 2", "0, 2, -2"), (r"\pm i", "i, -i"),
    # pairs, tuples, vectors
    ("(1,2)", "(1, 2)"), ("(1,2,3)", r"\left(1, 2, 3\right)"), (r"(\frac{1}{2},3)", "(0.5, 3)"), ("(x,y)=(1,2)", "(1,2)"), ("(1,2)", "(x,y)=(1,2)"), ("(1,2),(3,4)", "(3,4),(1,2)"), (r"\{(1,2),(3,4)\}", "(1,2), (3,4)"), ("(45,2),(-10,-9)", "(-10,-9), (45,2)"), (r"(1,-2)", r"(1, \,-2)"), (r"\langle 1,2,3\rangle", r"\langle 1, 2, 3 \rangle"), ("(3, \\pi)", r"\left( 3, \pi \right)"), ("(a+b, c)", "(b+a,c)"),
    # matrices
    (r"\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}", r"\begin{bmatrix}1&2\\3&4\end{bmatrix}"), (r"\begin{pmatrix} 1 & 0 \\ 0 & 1 \end{pmatrix}", r"\left(\begin{array}{cc}1 & 0 \\ 0 & 1\end{array}\right)"), (r"\begin{pmatrix} 1/2 \\ 3 \end{pmatrix}", r"\begin{pmatrix} 0.5 \\ 3 \end{pmatrix}"), (r"\begin{bmatrix} a+b \\ c \end{bmatrix}", r"\begin{pmatrix} b+a \\ c \end{pmatrix}"), (r"\begin{pmatrix} \frac{\sqrt{2}}{2} & 0 \end{pmatrix}", r"\begin{pmatrix} \frac{1}{\sqrt{2}} & 0 \end{pmatrix}"), (r"\begin{pmatrix}1\\2\\3\end{pmatrix}", r"\left[\begin{array}{r}1 \\ 2 \\ 3\end{array}\right]"),
    # words
    ("Yes", "yes"), ("Yes", r"\text{Yes}"), ("yes", "Yes."), ("True", "true"), ("no", r"\boxed{\text{No}}"), (r"\text{(A)}", "A"), ("A", "(A)"), (r"\text{ellipse}", "Ellipse"), ("hyperbola", r"\textbf{hyperbola}"), ("an ellipse", "ellipse"), (r"\text{east}", "The answer is east."), ("Sunday", "**Sunday**"), ("infinitely many", "Infinitely many."), (r"\text{does not exist}", "does not exist"), ("undefined", r"\text{undefined}"), ("no real solutions", "No real solutions"), ("Quadrant I", "quadrant I"), (r"\text{Friday}", "It is Friday, so the answer is Friday."), ("1:58 am", "1:58 a.m."), ("3:2", "3 : 2"), ("3:2", "3:2"),
    # numbers in a base, recurring decimals, ratios
    ("1010_2", "1010_{2}"), (r"2.\overline{3}", r"\frac{7}{3}"), (r"0.\overline{12}", r"\frac{4}{33}"), ("31_8", "31_8"),
    # Chinese
    ("42", "所以答案是：42"), ("42", "答：42"), ("42", "因此，答案为$42$。"), ("42", "最终答案是 \\boxed{42}"), ("42", "等于42"), ("42", "共有42个"), ("20", "20%"), ("12", "12厘米"), ("12", "12 平方米"), ("100000", "10万"), ("3", "3 人"), ("45", "45度"), ("必要不充分条件", "必要不充分条件。"), ("必要不充分条件", r"\boxed{\text{必要不充分条件}}"), ("充要条件", "答案：充要条件"), ("6", "六是答案：6"), (r"\frac{1}{2}", "二分之一，即答案是 $\\frac{1}{2}$"), ("x=1", "解得x=1"), ("-3", "－３"), ("(1,2)", "（1，2）"), (r"[1,+\infty)", "[1，+∞)"),
    # what the algebra system cannot read, word for word
    (r"\begin{cases} x & x>0 \\ -x & x<0 \end{cases}", r"$\begin{cases} x & x>0 \\ -x & x<0 \end{cases}$"), ("concave up on $(-\\infty,-1)$", r"concave up on $(-\infty, -1)$."), (r"$2 n \pi-\pi / 2$, any integer $n$", r"$2n\pi - \pi/2$, any integer $n$"), ("b > a > c", "b>a>c"), (r"\{x|x=3k,k\in \mathbb{Z}\}", r"$\{x | x = 3k, k \in \mathbb{Z}\}$"), ("$x=39$ and $y=-13$", "x=39, y=-13"), ("min at $x=1$", "Min at $x=1$"),
]  # fmt: skip

WRONG += [
    # numbers that look alike
    ("42", "24"), ("42", "4.2"), ("42", "42.5"), ("42", "42000"), ("42", "042.1"), ("1.5", "15"), ("1.5", "1,5"), ("0.5", "5"), ("1000000", "100000"), ("1000000", "10^5"), ("0.00012", r"1.2\times 10^{-3}"), ("4.5e33", r"4.5\times 10^{32}"), ("1024", "2^{11}"), ("120", "5"), ("120", "6!"), ("-3", "3"), ("3", "-3"), ("3.14", r"\pi"), (r"\pi", "3.14"), (r"\pi", "3.14159"), (r"\sqrt{2}", "1.414"), (r"\sqrt{2}", "1.41"), (r"\frac{2}{3}", "0.67"), (r"\frac{1}{3}", "0.333"), ("100!", "99!"), ("3^{20}", "3486784400"), ("1000001", "1000000"), ("123456789", "123456788"), ("0.1", "0.10001"), ("1", "0.9999"), ("10^{10}", "10^{11}"), ("1e6", "1e7"), (r"\infty", "1000000"),
    # fractions and roots
    (r"\frac{1}{2}", r"\frac{1}{3}"), (r"\frac{1}{2}", r"\frac{2}{1}"), (r"\frac12", "12"), (r"\frac{11}{2}", r"1\frac{1}{2}"), (r"\frac{22}{7}", r"\frac{3\cdot 1}{7}"), ("3 1/2", "31/2"), ("31/2", "3 1/2"), (r"-\frac{1}{2}", r"\frac{1}{2}"), (r"\frac{x}{2}", r"\frac{2}{x}"), (r"\sqrt{2}", "2"), (r"\sqrt{2}", r"\sqrt{3}"), (r"2\sqrt{3}", r"3\sqrt{2}"), (r"\sqrt[3]{2}", r"\sqrt{2}"), (r"\sqrt[3]{2}", r"3\sqrt{2}"), (r"1+\sqrt{2}", r"1-\sqrt{2}"), (r"\frac{1+\sqrt{5}}{2}", r"\frac{1-\sqrt{5}}{2}"), (r"\sqrt{x^2+1}", "x+1"), ("2^{1/2}", "2^{1/3}"),
    # money, units, percent
    (r"\$4", "4 cents"), (r"\$12.50", r"\$12.05"), ("5 km", "5 m"), ("5 km", "5 miles"), ("2 hours", "2 minutes"), (r"25\text{ m}^2", r"25\text{ m}^3"), (r"25\text{ m}^2", r"25\text{ cm}^2"), ("60^\\circ", "60 radians"), ("60^\\circ", "61^\\circ"), (r"36\pi\text{ cm}^3", "36"), (r"36\pi", r"36\text{ cm}^3"), ("25%", "0.025"), ("25%", "2.5"), ("0.25", "0.25%"), ("0.5", "0.5%"), ("20 euros", "20 dollars"), ("20 kg", "20 g"), ("3 m", "3 mm"), ("7", "7 thousand"), ("12", "1 dozen and 1"), ("50", "50 and a half"), (r"9.8\text{ m/s}", r"9.8\text{ m/s}^2"),
    # hedges, lists of guesses, denials, traps
    ("42", r"\boxed{41}\boxed{43}"), ("42", r"\boxed{41, 42}"), ("42", r"\boxed{42 \text{ or } 43}"), ("42", "either 42 or 43"), ("42", "42?43?44"), ("42", "1 2 3 42 5"), ("42", "$42$, $43$"), ("42", "The answer is not 42."), ("42", "The answer is 43, not 42."), ("42", "I am unsure: 42 or 24"), ("42", r"The answer is 42. No, the answer is 43."), ("42", r"\boxed{42}. Correction: \boxed{24}"), ("42", "<answer>42</answer><answer>43</answer>"), ("42", r"<answer>43</answer> \boxed{42}"), ("42", r"\boxed{42"), ("42", r"\boxed{}42"), ("42", "answer"), ("42", "the answer"), ("42", "The answer is"), ("42", "$$"), ("42", "\\"), ("42", "{}"), ("42", "()"), ("42", "None"), ("42", "nan"), ("42", "null"), ("42", "x"), ("42", "42=43"), ("42", r"42 \ne 43"), ("42", "approximately 42 or so, maybe 45"), ("42", "42, 42, 43"), ("42", "more than 42 and less than 44"), ("42", "42!"), ("42", "42i"), ("42", "-(-(-42))"), ("42", "|43|"), ("42", "(42, 42)"), ("42", "[42, 43]"), ("42", r"\begin{pmatrix}42\\0\end{pmatrix}"), ("1", "True"), ("0", "False"), ("0", "no solution"), ("0", r"\emptyset"), ("0", "{}"), ("5", "x<5"), ("5", r"x \le 5"), ("5", r"x \ne 5"), ("5", "(5,5)"), ("5", "(-5,5)"), ("5", r"\pm 5"),
    # algebra
    ("x^2-1", "(x-1)^2"), ("(x+1)^2", "x^2+1"), ("2(x+3)", "2x+3"), ("x^2+x", "x^3"), ("xy", "x+y"), ("xy", "x/y"), ("3x^2y", "3xy^2"), ("a-b", "b-a"), ("a/b", "b/a"), ("x^{10}", "x^{1}0"), ("2^{x+1}", "2^x+1"), ("e^{2x}", "e^{x^2}"), ("x^2", "2x"), ("x", "X^2"), ("n(n+1)/2", "n(n-1)/2"), ("a_1", "a_2"), ("x_1+x_2", "x_1+x_1"), ("2x+1", "2x"), ("2x+1", "2y+1"), ("x+C", "x"), ("f(x)=2x+1", "f(x)=2x-1"), ("10-4n", "10+4n"), ("-x", "x"),
    (r"\sin^2 x", r"\cos^2 x"), (r"\sin 2x", r"2\sin x"), (r"\ln 2", r"\ln 3"), (r"\log_2 3", r"\log_3 2"), (r"\log 100", r"\ln 100 + 1"), (r"\arctan 1", r"\frac{\pi}{3}"), (r"\tan x", r"\cot x"), (r"\cos \pi", "1"), ("e^2", "2^e"), ("e^2", "7.39"),
    ("1+2i", "1-2i"), ("1+2i", "2+i"), ("(1+i)^2", "2"), ("i", "-i"), ("i", "1"), (r"-1-\sqrt{3}i", r"-1+\sqrt{3}i"),
    # equations and inequalities
    ("x=5", "x=-5"), ("x=5", "x=5, x=6"), ("x=5, x=6", "x=5"), ("x=1, y=2", "x=2, y=1"), ("x=1, y=2", "x=1"), ("x=1, y=2", "y=1, x=2"), ("y=2x+1", "y=2x-1"), ("y=2x+1", "x=2y+1"), ("x^2+y^2=4", "x^2-y^2=4"), ("x^2+y^2=4", "x^2+y^2=2"), ("x+y=5", "x-y=5"), ("x<3", "x>3"), ("x<3", r"x\le 3"), ("x<3", "x<4"), (r"x \ge -2", "x > -2"), ("-1<x<1", "-1<x<2"), ("-1<x<1", r"-1\le x\le 1"), ("d=5, M=(1,2)", "d=5, M=(2,1)"), ("d=5, M=(1,2)", "d=6, M=(1,2)"), ("d=5, M=(1,2)", "5"), ("a=3, b=4", "a=4, b=3"), (r"x \ne 3", "x=3"), (r"x \ne 3", "3"), ("2x+4y=8", "x+2y=8"),
    # intervals, sets, pairs, matrices
    ("(1,2)", "[1,2]"), ("(1,2)", "(2,1)"), ("[0,1]", "[0,1)"), (r"[0,\infty)", r"(0,\infty)"), (r"[0,\infty)", r"(-\infty,0]"), (r"(-\infty,3]", "x<3"), (r"(1,3)\cup(5,7)", r"(1,3)\cap(5,7)"), (r"(1,3)\cup(5,7)", "(1,7)"), (r"(1,3)\cup(5,7)", r"(1,3)\cup(5,8)"), ("[1,2]", "1,2"), (r"\mathbb{R}", r"(0,\infty)"), (r"\mathbb{R}", r"\mathbb{Z}"), (r"(-\infty,0)\cup(0,\infty)", r"(-\infty,\infty)"), (r"\{1,2\}", r"\{1,3\}"), (r"\{1,2\}", r"\{1,2,3\}"), (r"\{1,2,3\}", "1,2"), (r"\{1,2\}", "(1,2)"), (r"\{1,2\}", "[1,2]"), ("1,2,3", "1,2,4"), ("1,2,3", "123"), ("1,2,3", "6"), ("1,234", "1, 234"), (r"\emptyset", "0"), (r"\emptyset", r"\{0\}"), (r"\emptyset", r"\{\emptyset\}"), (r"\pm 3", "3"), (r"\pm 3", "-3"), (r"\pm 3", r"\pm 4"), (r"1 \pm \sqrt{2}", r"1+\sqrt{2}"), (r"1 \pm \sqrt{2}", r"1 \pm \sqrt{3}"), (r"x=0, \frac{5 \pm \sqrt{61}}{18}", r"\frac{5 \pm \sqrt{61}}{18}"), (r"x=0, \frac{5 \pm \sqrt{61}}{18}", "0"), (r"0, \pm 2", r"\pm 2"), (r"0, \pm 2", "0, 2"), (r"1+\sqrt{2}", r"1\pm\sqrt{2}"),
    ("(1,2)", "(1,2,3)"), ("(1,2)", "(1,-2)"), ("(1,2)", "3"), ("(1,2),(3,4)", "(1,2)"), ("(1,2),(3,4)", "(1,3),(2,4)"), ("(1,2),(3,4)", "(1,2),(4,3)"), ("(45,2),(-10,-9)", "(45,-10),(2,-9)"), (r"\langle 1,2,3\rangle", r"\langle 1,3,2\rangle"), ("(3, \\pi)", "(3, 2\\pi)"), (r"\begin{pmatrix}1&2\\3&4\end{pmatrix}", r"\begin{pmatrix}1&3\\2&4\end{pmatrix}"), (r"\begin{pmatrix}1&2\end{pmatrix}", r"\begin{pmatrix}1\\2\end{pmatrix}"), (r"\begin{pmatrix}1&2\\3&4\end{pmatrix}", r"\begin{vmatrix}1&2\\3&4\end{vmatrix}"), (r"\begin{pmatrix}1&2\\3&4\end{pmatrix}", "-2"), (r"\begin{pmatrix}1&2\\3&4\end{pmatrix}", "1,2,3,4"), (r"\begin{pmatrix}1\\2\end{pmatrix}", "(2,1)"),
    # words, times, ratios, bases
    ("Yes", "No"), ("yes", "yes and no"), ("True", "False"), (r"\text{(A)}", "B"), ("A", "B"), ("A", "A or B"), ("A", "A, B"), ("ellipse", "hyperbola"), ("ellipse", "not an ellipse"), ("east", "west"), ("infinitely many", "many"), ("no real solutions", "no solutions"), ("undefined", "0"), ("1:58 am", "1:58 pm"), ("1:58", "158"), ("3:2", "2:3"), ("3:2", "3:1"), ("Quadrant I", "Quadrant II"), ("1010_2", "1010"), ("1010_2", "1010_3"), ("31_8", "31"), (r"2.\overline{3}", "2.3"), (r"0.\overline{12}", "0.12"), ("Monday", "Sunday"), ("even", "uneven"), ("increasing", "decreasing"),
    # Chinese
    ("42", "答案不是42"), ("42", "答案是42或43"), ("42", "42万"), ("42", "不是42"), ("42", "一二三"), ("20", "20万"), ("12厘米", "12米"), ("12厘米", "12平方厘米"), ("必要不充分条件", "充分不必要条件"), ("充要条件", "必要条件"), ("必要不充分条件", "必要条件"), ("3", "三分之一"), ("-3", "３"),
    # prose around formulas: a part of it is not the whole
    ("concave up on $(-\\infty,-1)$", r"$(-\infty,-1)$"), ("concave up on $(-\\infty,-1)$", r"concave down on $(-\infty,-1)$"), ("$x=39$ and $y=-13$", "$y=-13$"), ("$x=39$ and $y=-13$", "$x=39$ and $y=13$"), (r"$2 n \pi-\pi / 2$, any integer $n$", r"$2 n \pi+\pi / 2$, any integer $n$"), ("min at $x=1$", "1"), ("min at $x=1$", "max at $x=1$"), (r"\begin{cases} x & x>0 \\ -x & x<0 \end{cases}", r"\begin{cases} x & x>0 \\ x & x<0 \end{cases}"), ("b > a > c", "b > c > a"), ("x^{23}", "x^2 3"), ("a b c \\star 4 2", "a b c \\star 42"), (r"p \star 1 1/2", r"p \star 11/2"),
]  # fmt: skip

RIGHT += [
    ("x=1, y=2", r"\begin{cases} x=1 \\ y=2 \end{cases}"), ("x=1, y=2", r"\begin{cases} y=2 \\ x=1 \end{cases}"), ("x=1, y=2", "(x=1, y=2)"), ("(x,y)=(1,2)", "x=1, y=2"), ("x=1, y=2", "(1, 2)"),
]  # fmt: skip

WRONG += [
    ("x=1, y=2", r"\begin{cases} x=2 \\ y=1 \end{cases}"), ("x=1, y=2", "(2, 1)"), ("x=1, y=2", "2, 1"), ("(x,y)=(1,2)", "x=2, y=1"), ("1234", "1 234 5"), ("0.5%", "0.5"), ("5", "between $5 and $7"),
    ("42", "42的一半"), ("42", "42的两倍"), ("42", "42以上"), ("42", "大于42"), ("5", "5的平方"), ("5", "5万"), ("5", "比5多1"),
]  # fmt: skip

RIGHT += [
    ("5", "The area under the curve is $5$."), ("5", "Twice as many, so the number is $5$ apples."), ("x+1", "From the above we see that $f(x)$ is $x+1$."),
]  # fmt: skip

WRONG += [
    ("42", "It is not $42$"), ("42", "The answer isn't $42$."), ("42", "It is less than $42$"), ("42", "It is half of $42$."), ("42", "$42$ is wrong"), ("42", "It isn't 42"), ("42", "$x$ is not $42$"), ("x+1", "It is not $x+1$"), ("42", "不是$42$"),
]  # fmt: skip

# what stands around an answer, and what makes another of it
RIGHT += [
    ("18", "Janet makes $18."),
    ("18", "The total is $18"),
    ("18", "Total: $18"),
    ("18", "It costs $18"),
    ("18", "3 * 6 = $18"),
    ("18", "Janet makes **$18** per day."),
    ("18", "9 + 9 = 18 dollars"),
    ("18", "$18"),
    ("18", "Janet makes $18 every day at the market."),
    ("70000", "He made a profit of $70,000."),
    ("70000", "The profit is \\$70,000."),
    ("0.5", "5 tenths"),
    ("(-\\infty,1)\\cup(3,\\infty)", "x<1 \\text{ or } x>3"),
    ("17", "= 17"),
    ("17", "\\Rightarrow 17"),
    ("17", "\\therefore 17"),
    ("17", "Area = 17 cm²"),
    ("17", "$17$ apples"),
    ("17", "There are 17 of them."),
    ("17", "17 is the answer"),
    ("7", "\\boxed{\\underline{7}}"),
    ("7", "\\text{The answer is } 7"),
    ("45", "45\\degree"),
    ("100", "100 °C"),
    ("10", "10 N"),
    ("10 J", "10 joules"),
    ("18.50", "USD 18.50"),
    ("\\frac35", "\\frac{3}{5} = 60\\%"),
    ("\\frac35", "⅗"),
    ("10^{-3}", "10⁻³"),
    ("x^4", "x⁴"),
    ("\\sqrt{(x+1)^2+1}", "sqrt((x+1)^2+1)"),
    ("2^{(n+1)/2}", "2^((n+1)/2)"),
    ("\\frac{a}{b}", "\\frac{a}b"),
    ("3", "x is 3"),
    ("3", "x = 3"),
    ("x=1, x=2", "x_1=1, x_2=2"),
    ("Yes", "Yes, it is."),
    ("8:00 AM", "8 AM"),
    ("xy", "yx"),
    ("5", "2+3=5"),
    ("5", "The answer is 5."),
    ("5", "There is no doubt that the answer is 5"),
    ("5", "答案是5"),
    ("5", "所以等于5"),
    ("5", "5\\text{ cm}"),
    ("2\\sqrt{3}", "\\sqrt{12}"),
    ("36\\pi", "36\\pi\\text{ cm}^3"),
    ("(1,2)", "1, 2"),
]
WRONG += [
    ("7", "\\boxed{7\\text{ or 8 or 9}}"),
    ("10", "10\\text{, 11 or 12}"),
    ("5", "5\\text{ million}"),
    ("5", "5\\text{ dozen}"),
    ("5", "5\\text{!}"),
    ("5", "5\\text{^2}"),
    ("5", "5\\text{5}"),
    ("5", "5\\text{x}"),
    ("5", "5 \\text{ is wrong}"),
    ("5", "5\\mbox{, 6}"),
    ("5", "negative 5"),
    ("5", "the reciprocal of 5"),
    ("5", "the square of 5"),
    ("5", "the opposite of 5"),
    ("5", "one fifth of 5"),
    ("5", "5 tenths"),
    ("5", "5 hundredths"),
    ("5", "5 thirds"),
    ("5", "5 point five"),
    ("5", "5 bn"),
    ("5", "5 lakh"),
    ("5", "5 crore"),
    ("5", "5 quadrillion"),
    ("5", "5 googol"),
    ("5", "5 gross"),
    ("5", "5 ppm"),
    ("5", "5 false"),
    ("5", "5 choose two"),
    ("5", "I don't think the answer is 5"),
    ("5", "It cannot be that the answer is 5"),
    ("5", "Nobody says the answer is 5"),
    ("5", "The answer is 5. Or maybe 6."),
    ("5", "The answer is 6 or the answer is 5"),
    ("5", "0=5"),
    ("5", "1=2=3=4=5"),
    ("5", "5=6=5"),
    ("5", "5\\approx 6"),
    ("5", "5_n"),
    ("5", "5_{\\text{seven}}"),
    ("5", "5_{\\text{hex}}"),
    ("5", "5⁶"),
    ("5", "5₆"),
    ("5", "5'"),
    ("5", '5"'),
    ("5", "5|_{x=6}"),
    ("5", "5\\mathrm{^2}"),
    ("\\sqrt{2}", "\\sqrt{2}\\text{ million}"),
    ("\\sqrt{2}", "\\sqrt{2}\\mathrm{i}"),
    ("\\sqrt{2}", "\\sqrt{2}\\text{ squared}"),
    ("\\sqrt{2}", "\\sqrt3=\\sqrt2"),
    ("2\\pi", "2\\pi\\text{ squared}"),
    ("[1,2]", "[1,2] \\text{ is false}"),
    ("y=2x", "y=2x \\text{ is wrong}"),
    ("NE", "EN"),
    ("IV", "VI"),
    ("IX", "XI"),
    ("AM", "MA"),
    ("HT", "TH"),
    ("no", "on"),
    ("ACB", "ABC"),
    ("sun", "nus"),
    ("two", "tow"),
    ("II", "i^2"),
    ("x", "X"),
    ("P", "p"),
    ("2^{-100}", "2^{-99}"),
    ("\\frac{1}{2^{100}}", "-\\frac{1}{2^{100}}"),
    ("\\frac{1}{2^{100}}", "\\frac{1}{10^{80}}"),
    ("\\frac{1}{20!}", "\\frac{1}{21!}"),
    ("\\left(\\frac56\\right)^{300}", "\\left(\\frac16\\right)^{300}"),
    ("10^{-20}\\pi", "10^{-21}\\pi"),
    ("e^{-50}", "e^{-51}"),
    ("3", "答案不等于3"),
    ("3", "x不等于$3$"),
    ("3", "不可能等于3"),
    ("3", "3的倒数"),
    ("3", "3的相反数"),
    ("3", "3次方"),
    ("3", "3十"),
    ("3", "十3"),
    ("3", "3打"),
    ("3", "3折"),
    ("3", "3点五"),
    ("3", "3错误"),
    ("3", "3是错误答案"),
    ("3", "错误的答案是3"),
    ("3", "答案可能是3"),
    ("101", "101 in binary"),
    ("17", "17 hex"),
    ("17", "17 octal"),
    ("12", "1\\!2"),
    ("12", "1\\text{}2"),
    ("(2,3)", "(2,\\ldots,3)"),
    ("\\{1,2\\}", "\\{1\\},\\{2\\}"),
    ("1<x<2", "1,2"),
]
