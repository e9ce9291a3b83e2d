"""Worked examples for few-shot prompts of GSM8K: written for this project, in no split."""

SHOTS: tuple[tuple[str, str], ...] = (
    (
        "Mara bakes 4 trays of 12 rolls. She gives 9 rolls to a neighbour. How many are left?",
        "She bakes 4 * 12 = 48 rolls. After giving away 9 there are 48 - 9 = 39. The answer is 39.",
    ),
    (
        "A ticket costs $6 for a child and $10 for an adult. What do 2 adults and 3 children pay "
        "together?",
        "The adults pay 2 * 10 = 20 dollars and the children 3 * 6 = 18 dollars. Together that is "
        "20 + 18 = 38 dollars. The answer is 38.",
    ),
    (
        "Tom reads 15 pages a day. His book has 180 pages and he has read for 5 days. How many "
        "more days does he need?",
        "He has read 15 * 5 = 75 pages, so 180 - 75 = 105 pages are left. At 15 a day that takes "
        "105 / 15 = 7 days. The answer is 7.",
    ),
    (
        "A jacket of $80 is sold at 25% off. Lea pays with a $100 note. How much change does she "
        "get?",
        "The discount is 80 * 25 / 100 = 20 dollars, so the jacket costs 80 - 20 = 60 dollars. "
        "The change is 100 - 60 = 40 dollars. The answer is 40.",
    ),
    (
        "Ben is twice as old as Ida. In 6 years they will be 42 together. How old is Ida now?",
        "In 6 years their ages have grown by 2 * 6 = 12, so now they are 42 - 12 = 30 together. "
        "Ida has one of three equal parts: 30 / 3 = 10. The answer is 10.",
    ),
    (
        "A tank holds 90 litres. A tap fills 4 litres a minute while a leak loses 1 litre a "
        "minute. How many minutes does it take to fill the tank?",
        "Each minute adds 4 - 1 = 3 litres, so it takes 90 / 3 = 30 minutes. The answer is 30.",
    ),
    (
        "Three friends share 2 pizzas of 9 slices each evenly. How many slices does each get?",
        "There are 2 * 9 = 18 slices, so each gets 18 / 3 = 6. The answer is 6.",
    ),
    (
        "A farmer sells 40 eggs in boxes of 8 at $3 a box. How many dollars does he take?",
        "That is 40 / 8 = 5 boxes, which bring 5 * 3 = 15 dollars. The answer is 15.",
    ),
)
