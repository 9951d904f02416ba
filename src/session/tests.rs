mod branches;
mod folding;
mod refusals;
mod sight;
