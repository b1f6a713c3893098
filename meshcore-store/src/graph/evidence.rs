//! What one reception says about neighbors.
//!
//! | Reception | Edge | Signal |
//! | --- | --- | --- |
//! | ADVERT without hops | originator – observer | of the reception |
//! | ADVERT, flooded | originator – first hop | none: nobody measured that link |
//! | any but TRACE, flooded, with hops | observer – last hop | of the reception |
//!
//! The path of a direct route is the way left, that of a trace the way planned: their ends tell nothing about who
//! heard whom. Nor does what an observer sent itself.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use meshcore_proto::{NodeHash, PayloadType, PublicKey, RouteType};

use super::edges::EdgeKey;
use super::ends::{End, EndId, Ends};
use super::tally::{Sighting, Tally};
use crate::resolve::HopIndex;

/// Kilometers beyond which two ends are taken to be no neighbors, unless configured otherwise.
pub const DEFAULT_MAX_EDGE_KM: f64 = 500.0;

/// What `neighborGraph.maxEdgeKm` means: unset or 0 is the default, negative is no limit.
pub fn max_edge_km(configured: Option<f64>) -> Option<f64> {
    match configured {
        Some(km) if km < 0.0 => None,
        Some(km) if km > 0.0 => Some(km),
        _ => Some(DEFAULT_MAX_EDGE_KM),
    }
}

/// One reception, as far as it tells about neighbors.
#[derive(Clone, Copy, Debug)]
pub struct Heard<'a> {
    /// What the packet carries.
    pub payload: PayloadType,
    /// How it travels.
    pub route: RouteType,
    /// Whether the observer sent it itself.
    pub sent: bool,
    /// The hops listed.
    pub path: &'a [NodeHash],
    /// Of an ADVERT: whose it is.
    pub originator: Option<PublicKey>,
    /// Who heard it.
    pub observer: Option<EndId>,
    /// Signal to noise, dB.
    pub snr: Option<f64>,
    /// When, in seconds since 1970.
    pub at: u32,
}

/// Evidence of a batch of receptions, per edge and hour.
#[derive(Clone, Debug, Default)]
pub struct Delta {
    hours: HashMap<(EdgeKey, u32), Tally, RandomState>,
    rejected_geo_far: u64,
}

impl Delta {
    /// Adds what one reception says, and whether it says anything.
    ///
    /// `max_km`: evidence for an edge between ends farther apart is thrown away and counted; `None` is no limit.
    /// O(candidates of the path's ends).
    pub fn observe(
        &mut self,
        heard: &Heard<'_>,
        ends: &mut Ends,
        index: &HopIndex,
        max_km: Option<f64>,
    ) -> bool {
        if heard.sent {
            return false;
        }
        let sighting = |prefix, snr| Sighting { at: heard.at, prefix, snr, observer: heard.observer };
        let originator = heard.originator.filter(|_| heard.payload == PayloadType::Advert);
        let mut said = false;
        match (heard.path, originator) {
            ([], Some(originator)) => {
                if let Some(observer) = heard.observer {
                    let originator = ends.intern(End::Key(originator));
                    said |=
                        self.add_edge(originator, observer, sighting(None, heard.snr), ends, index, max_km);
                }
            }
            ([first, .., last] | [first @ last], originator)
                if heard.route.is_flood() && heard.payload != PayloadType::Trace =>
            {
                if let Some(originator) = originator {
                    let originator = ends.intern(End::Key(originator));
                    said |= self.add_hop(originator, sighting(Some(*first), None), ends, index, max_km);
                }
                if let Some(observer) = heard.observer {
                    said |= self.add_hop(observer, sighting(Some(*last), heard.snr), ends, index, max_km);
                }
            }
            _ => {}
        }
        said
    }

    /// The edge between a known end and the hop that the sighting names.
    fn add_hop(
        &mut self,
        known: EndId,
        sighting: Sighting,
        ends: &mut Ends,
        index: &HopIndex,
        max_km: Option<f64>,
    ) -> bool {
        let Some(prefix) = sighting.prefix else { return false };
        let all = index.candidates(prefix.as_bytes());
        let known_key = ends.get(known).key().copied();
        let mut others = all.iter().filter(|relay| Some(relay.key) != known_key);
        match (others.next(), others.next()) {
            (Some(only), None) => {
                let far = ends.intern(End::Key(only.key));
                self.add_edge(known, far, sighting, ends, index, max_km)
            }
            (None, _) if !all.is_empty() => false, // the known end itself
            _ => {
                self.add(EdgeKey::ambiguous(known, prefix), &sighting);
                true
            }
        }
    }

    fn add_edge(
        &mut self,
        a: EndId,
        b: EndId,
        sighting: Sighting,
        ends: &Ends,
        index: &HopIndex,
        max_km: Option<f64>,
    ) -> bool {
        if a == b {
            return false;
        }
        let place = |end| index.position(ends.get(end).key()?);
        if let (Some(max_km), Some(from), Some(to)) = (max_km, place(a), place(b))
            && from.distance_km(to) > max_km
        {
            self.rejected_geo_far += 1;
            return false;
        }
        self.add(EdgeKey::between(a, b), &sighting);
        true
    }

    /// Adds evidence for an edge whose ends are known already.
    pub fn add(&mut self, key: EdgeKey, sighting: &Sighting) {
        let tally = Tally::from(sighting);
        self.hours.entry((key, tally.hour())).and_modify(|known| known.merge(&tally)).or_insert(tally);
    }

    /// What there is per edge and hour since 1970, in no order.
    pub fn hours(&self) -> impl Iterator<Item = (EdgeKey, u32, &Tally)> {
        self.hours.iter().map(|((key, hour), tally)| (*key, *hour, tally))
    }

    /// How many edges and hours there is something of.
    pub fn len(&self) -> usize {
        self.hours.len()
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.hours.is_empty()
    }

    /// Evidence thrown away because the ends are too far apart.
    pub const fn rejected_geo_far(&self) -> u64 {
        self.rejected_geo_far
    }
}
