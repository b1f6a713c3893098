//! Who is not shown. What is stored stays stored.

use std::collections::BTreeSet;

/// Nodes and observers that no answer may show. The default hides nobody.
///
/// ```
/// use meshcore_store::Visibility;
///
/// let visibility = Visibility::new(["AB12"], ["🚫"], [" Roof "]);
/// assert!(visibility.hides_node("ab12", Some("Ann")));
/// assert!(visibility.hides_node("cd34", Some("🚫 Bob")));
/// assert!(!visibility.hides_node("cd34", Some("Bob 🚫")));
/// assert!(visibility.hides_observer("roof"));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Visibility {
    /// Keys, lower case.
    nodes: BTreeSet<String>,
    /// Beginnings of names, case as written.
    name_prefixes: Vec<String>,
    /// Ids, lower case.
    observers: BTreeSet<String>,
}

impl Visibility {
    /// Hides the nodes with these keys, those whose name begins in one of these ways, and the observers with these ids.
    ///
    /// Keys and ids are compared without regard to case and blanks around them; empty ones hide nobody.
    pub fn new<N, P, O>(nodes: N, name_prefixes: P, observers: O) -> Self
    where
        N: IntoIterator<Item: AsRef<str>>,
        P: IntoIterator<Item: AsRef<str>>,
        O: IntoIterator<Item: AsRef<str>>,
    {
        let prefixes = name_prefixes.into_iter().map(|prefix| prefix.as_ref().to_owned());
        Self {
            nodes: folded(nodes),
            name_prefixes: prefixes.filter(|prefix| !prefix.is_empty()).collect(),
            observers: folded(observers),
        }
    }

    /// Whether the node with this key, and now this name, is hidden.
    pub fn hides_node(&self, key: &str, name: Option<&str>) -> bool {
        let is_listed = !self.nodes.is_empty() && self.nodes.contains(&key.to_lowercase());
        is_listed
            || name
                .is_some_and(|name| self.name_prefixes.iter().any(|prefix| name.starts_with(prefix.as_str())))
    }

    /// Whether the observer with this id is hidden.
    pub fn hides_observer(&self, id: &str) -> bool {
        !self.observers.is_empty() && self.observers.contains(&id.to_lowercase())
    }

    /// Keys of nodes that are hidden whatever their name is.
    pub fn listed_nodes(&self) -> impl Iterator<Item = &str> {
        self.nodes.iter().map(String::as_str)
    }
}

fn folded(texts: impl IntoIterator<Item: AsRef<str>>) -> BTreeSet<String> {
    let folded = texts.into_iter().map(|text| text.as_ref().trim().to_lowercase());
    folded.filter(|text| !text.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_compared_without_case_and_names_with_it() {
        let visibility = Visibility::new([" AB ", ""], ["x-", ""], [] as [&str; 0]);
        assert!(visibility.hides_node("Ab", None) && visibility.hides_node("cd", Some("x-ray")));
        assert!(!visibility.hides_node("cd", Some("X-ray")) && !visibility.hides_node("cd", Some("")));
        assert!(!visibility.hides_node("", None) && !visibility.hides_observer(""));
        assert_eq!(visibility.listed_nodes().collect::<Vec<_>>(), ["ab"]);
    }

    #[test]
    fn by_default_nobody_is_hidden() {
        assert!(!Visibility::default().hides_node("ab", Some("🚫")));
        assert!(!Visibility::default().hides_observer("roof"));
    }
}
