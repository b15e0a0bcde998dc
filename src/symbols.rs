//! The symbols of one session: name to number and back.

use systems::limits::SYMBOLS_MAX;
use systems::symbol::SymbolSpec;
use systems::trade::SymbolId;

/// A slot of the name table that holds no symbol; no id has this value (`SYMBOLS_MAX`).
const FREE: u16 = u16::MAX;

const _: () = assert!(SYMBOLS_MAX <= FREE as usize);

/// The symbols of a session; a symbol's id is its place in the list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Symbols {
    specs: Vec<SymbolSpec>,
    /// Ids by hash of their name: open addressing, a power of two in size, at most half full.
    /// A name is looked up for every print, and the standard map's hash costs more than all the
    /// rest of the lookup. The list is given at start, so nobody can fill it with collisions.
    slots: Box<[u16]>,
    /// By id, the ends of its name.
    ends: Box<[Ends]>,
}

/// The first and the last bytes of a name, eight each where it has them. With its length they are
/// the whole of a name of up to [`Ends::WHOLE`] bytes, and nearly all names are: so two numbers
/// are hashed and compared in place of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Ends(u64, u64);

impl Ends {
    const WHOLE: usize = 16;

    #[inline]
    fn of(name: &[u8]) -> Self {
        if let (Some(first), Some(last)) = (name.first_chunk(), name.last_chunk()) {
            return Self(u64::from_le_bytes(*first), u64::from_le_bytes(*last));
        }
        if let (Some(first), Some(last)) = (name.first_chunk(), name.last_chunk()) {
            return Self(u32::from_le_bytes(*first).into(), u32::from_le_bytes(*last).into());
        }
        Self(name.iter().fold(0, |bytes, &byte| bytes << 8 | u64::from(byte)), 0)
    }

    /// Multiplies, and folds the upper half of the product, which all bits reach, onto the lower.
    #[inline]
    fn hash(self) -> u64 {
        // Digits of the golden ratio and of pi, so that no usual name makes a factor zero.
        let product =
            u128::from(self.0 ^ 0x9e37_79b9_7f4a_7c15) * u128::from(self.1 ^ 0x243f_6a88_85a3_08d3);
        (product >> 64) as u64 ^ product as u64
    }
}

/// Why a list of symbols is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SymbolsError {
    /// The same name twice.
    #[error("symbol {0} is listed twice")]
    Twice(Box<str>),
    /// More than ids can number.
    #[error("{0} symbols, but one engine holds at most {SYMBOLS_MAX}")]
    TooMany(usize),
}

impl Symbols {
    /// Numbers the symbols in the order given.
    ///
    /// # Errors
    /// A name that is listed twice, or more symbols than ids can number.
    pub fn new(specs: Vec<SymbolSpec>) -> Result<Self, SymbolsError> {
        if specs.len() > SYMBOLS_MAX {
            return Err(SymbolsError::TooMany(specs.len()));
        }
        let size = (specs.len() * 2).next_power_of_two().max(2);
        let ends = specs.iter().map(|spec| Ends::of(spec.name.as_bytes())).collect();
        let mut symbols = Self { specs, slots: vec![FREE; size].into_boxed_slice(), ends };
        for index in 0..symbols.specs.len() {
            let name = symbols.specs[index].name.as_bytes();
            let slot = symbols.slot(name);
            if symbols.slots[slot] != FREE {
                return Err(SymbolsError::Twice(symbols.specs[index].name.clone()));
            }
            symbols.slots[slot] = index as u16;
        }
        Ok(symbols)
    }

    /// Gives one more symbol the next number.
    ///
    /// # Errors
    /// A name that is there already, or more symbols than ids can number.
    pub fn add(&mut self, spec: SymbolSpec) -> Result<SymbolId, SymbolsError> {
        // Rare enough for a table made anew.
        let mut specs = self.specs.clone();
        specs.push(spec);
        *self = Self::new(specs)?;
        Ok(SymbolId(self.specs.len() as u16 - 1))
    }

    /// The number of a name as the venue writes it.
    pub fn id(&self, name: &str) -> Option<SymbolId> {
        self.id_of(name.as_bytes())
    }

    /// The number of a name given as bytes, which need not be text.
    #[inline]
    pub fn id_of(&self, name: &[u8]) -> Option<SymbolId> {
        // Only a list made by `default` has no slots.
        if self.slots.is_empty() {
            return None;
        }
        let id = self.slots[self.slot(name)];
        (id != FREE).then_some(SymbolId(id))
    }

    /// Everything about one symbol.
    pub fn spec(&self, id: SymbolId) -> &SymbolSpec {
        &self.specs[usize::from(id.0)]
    }

    /// All symbols, in id order.
    pub fn specs(&self) -> &[SymbolSpec] {
        &self.specs
    }

    /// The slot that holds `name`, or the free one where it would go.
    #[inline]
    fn slot(&self, name: &[u8]) -> usize {
        let mask = self.slots.len() - 1;
        let ends = Ends::of(name);
        let mut slot = ends.hash() as usize & mask;
        // Ends: at least half of the slots are free.
        while self.slots[slot] != FREE && !self.is_named(self.slots[slot].into(), ends, name) {
            slot = (slot + 1) & mask;
        }
        slot
    }

    #[inline]
    fn is_named(&self, index: usize, ends: Ends, name: &[u8]) -> bool {
        let known = self.specs[index].name.as_bytes();
        self.ends[index] == ends
            && known.len() == name.len()
            && (name.len() <= Ends::WHOLE || known == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use systems::units::Scale;

    fn named(name: &str) -> SymbolSpec {
        SymbolSpec { name: name.into(), price: Scale::exact(2), quantity: Scale::exact(3) }
    }

    #[test]
    fn every_name_finds_its_number_and_no_other_name_does() {
        let mut names: Vec<String> = (0..5_000).map(|n| format!("COIN{n}USDT")).collect();
        // Of every length, and alike but for a byte in the middle.
        names.extend((1..40).map(|length| "X".repeat(length)));
        names.extend(
            ["1000SHIBUSDT_250627", "1000SHIBEURT_250627", "XX\0", "X\0X"].map(String::from),
        );
        let symbols = Symbols::new(names.iter().map(|name| named(name)).collect()).unwrap();
        for (index, name) in names.iter().enumerate() {
            assert_eq!(symbols.id(name), Some(SymbolId(index as u16)));
        }
        for stranger in
            ["", "\0", "coin1usdt", "COIN5000USDT", "XX\0\0", "COIN1USDT ", "\u{5e01}USDT"]
        {
            assert_eq!(symbols.id(stranger), None, "{stranger}");
        }
        assert_eq!(Symbols::default().id("BTCUSDT"), None);
        assert_eq!(Symbols::new(Vec::new()).unwrap().id("BTCUSDT"), None);
    }

    #[test]
    fn the_same_name_twice_and_too_many_names_are_refused() {
        let twice = Symbols::new(vec![named("A"), named("B"), named("A")]);
        assert_eq!(twice, Err(SymbolsError::Twice("A".into())));
        let many = (0..=SYMBOLS_MAX).map(|n| named(&n.to_string())).collect();
        assert_eq!(Symbols::new(many), Err(SymbolsError::TooMany(SYMBOLS_MAX + 1)));
    }

    proptest! {
        #[test]
        fn names_are_found_as_a_search_through_the_list_finds_them(
            names in prop::collection::btree_set("[AB\u{0}]{0,3}|[AB]{7,18}", 0..60),
            asked in "[AB\u{0}]{0,3}|[AB]{7,18}",
        ) {
            let symbols = Symbols::new(names.iter().map(|name| named(name)).collect()).unwrap();
            for name in names.iter().chain([&asked]) {
                let place = names.iter().position(|known| known == name);
                prop_assert_eq!(symbols.id(name), place.map(|place| SymbolId(place as u16)));
            }
        }
    }
}
