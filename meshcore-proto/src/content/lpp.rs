//! CayenneLPP: what sensors measure.
