"""What came of each variant, whether they differ, and the decision that ViberDash takes itself.

1. significance: intervals and a test, pure mathematics. 2. figures: recipients by variant and what
they did. 3. sentences: what these say. 4. decision: when one is due, and which variant wins.
"""
