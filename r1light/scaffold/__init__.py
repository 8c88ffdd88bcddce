"""`r1light new`: a distribution of one's own, with a component that works and a test that passes."""
