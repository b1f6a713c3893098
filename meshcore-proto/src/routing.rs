//! How nodes pass packets on: what an analyzer needs to know of it.
