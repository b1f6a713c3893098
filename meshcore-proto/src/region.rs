//! Regions: keys that bound how far a packet travels.
