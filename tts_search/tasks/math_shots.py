"""Worked examples for few-shot prompts of the MATH task: written for this project, in no split."""

SHOTS: tuple[tuple[str, str], ...] = (
    (
        "What is $12 + 5 \\cdot 3$?",
        "First multiply: $5 \\cdot 3 = 15$. Then $12 + 15 = 27$. The answer is $\\boxed{27}$.",
    ),
    (
        "Solve for $x$: $4x - 7 = 13$.",
        "Adding 7 gives $4x = 20$, so $x = 5$. The answer is $\\boxed{5}$.",
    ),
    (
        "Write $\\frac{18}{24}$ as a fraction in lowest terms.",
        "Both numbers are divisible by 6: $\\frac{18}{24} = \\frac{3}{4}$. "
        "The answer is $\\boxed{\\frac{3}{4}}$.",
    ),
    (
        "What is the area of a rectangle with sides 7 and 6?",
        "The area is $7 \\cdot 6 = 42$. The answer is $\\boxed{42}$.",
    ),
    (
        "A bag holds 3 red and 5 blue marbles. One marble is drawn at random. "
        "What is the probability that it is red?",
        "There are $3 + 5 = 8$ marbles and 3 are red. The answer is $\\boxed{\\frac{3}{8}}$.",
    ),
    (
        "What is the remainder when 47 is divided by 6?",
        "$47 = 7 \\cdot 6 + 5$. The answer is $\\boxed{5}$.",
    ),
    (
        "Simplify $\\sqrt{75}$.",
        "$\\sqrt{75} = \\sqrt{25 \\cdot 3} = 5\\sqrt{3}$. The answer is $\\boxed{5\\sqrt{3}}$.",
    ),
    (
        "What is $\\cos 60^\\circ$?",
        "In a triangle with angles of 30, 60 and 90 degrees the side next to the 60 degree angle "
        "is half the hypotenuse. The answer is $\\boxed{\\frac{1}{2}}$.",
    ),
)
