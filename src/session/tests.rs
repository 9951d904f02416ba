mod branches;
mod folding;
mod refusals;
