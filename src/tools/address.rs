//! Which addresses a tool may connect to (reference: reliability-security 1.16).
//!
//! A name says nothing about where it leads, so the addresses that it resolves to are judged, every one of them, and the
//! connection is made to what was judged. Families that only a tool which says so may reach are rows of [`RANGES`].

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A family of addresses that no tool reaches by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// This machine.
    Loopback,
    /// A private network, of this house or of a provider.
    Private,
    /// This link; the metadata services of clouds stand here.
    LinkLocal,
    /// Everything else that is nobody's public address: unspecified, multicast, broadcast, documentation, reserved.
    Reserved,
}

/// The words of a team file.
pub const RANGES: &[(&str, Family)] = &[
    ("loopback", Family::Loopback),
    ("private", Family::Private),
    ("link_local", Family::LinkLocal),
    ("reserved", Family::Reserved),
];

impl Family {
    /// As written in a team file.
    pub fn word(self) -> &'static str {
        RANGES.iter().find(|(_, family)| *family == self).map_or("", |(word, _)| word)
    }
}

/// The family of an address; nothing for a public one. An IPv4 address inside an IPv6 one is judged as what it is.
pub fn family(address: IpAddr) -> Option<Family> {
    match address {
        IpAddr::V4(v4) => family_v4(v4),
        IpAddr::V6(v6) => match inside(v6) {
            Some((v4, true)) => family_v4(v4),
            Some((v4, false)) => family_v4(v4).or(Some(Family::Reserved)),
            None => family_v6(v6),
        },
    }
}

fn family_v4(address: Ipv4Addr) -> Option<Family> {
    let [a, b, c, _] = address.octets();
    match (a, b, c) {
        (127, ..) => Some(Family::Loopback),
        (10, ..) | (192, 168, _) => Some(Family::Private),
        (172, 16..=31, _) | (100, 64..=127, _) => Some(Family::Private),
        (169, 254, _) => Some(Family::LinkLocal),
        (0, ..) | (224..=255, ..) => Some(Family::Reserved),
        (192, 0, 0 | 2) | (198, 18 | 19, _) | (198, 51, 100) | (203, 0, 113) | (192, 88, 99) => Some(Family::Reserved),
        _ => None,
    }
}

fn family_v6(address: Ipv6Addr) -> Option<Family> {
    if address.is_loopback() {
        return Some(Family::Loopback);
    }
    match address.segments()[0] {
        first if first & 0xffc0 == 0xfe80 => Some(Family::LinkLocal),
        first if first & 0xfe00 == 0xfc00 || first & 0xffc0 == 0xfec0 => Some(Family::Private),
        // Only 2000::/3 is given out, and not all of that.
        first if first & 0xe000 != 0x2000 => Some(Family::Reserved),
        0x2001 if address.segments()[1] < 0x0200 || address.segments()[1] == 0x0db8 => Some(Family::Reserved),
        0x3fff => Some(Family::Reserved),
        _ => None,
    }
}

/// The IPv4 address that an IPv6 one leads to, and whether it is only another way to write it (mapped, NAT64) and no
/// tunnel that nobody uses any more (compatible, 6to4).
fn inside(address: Ipv6Addr) -> Option<(Ipv4Addr, bool)> {
    let of = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Ipv4Addr::new(a, b, c, d)
    };
    match address.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low] => Some((of(high, low), true)),
        [0, 0, 0, 0, 0, 0, high, low] if high != 0 => Some((of(high, low), false)),
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some((of(high, low), true)),
        [0x64, 0xff9b, 1, _, _, _, high, low] => Some((of(high, low), false)),
        [0x2002, high, low, ..] => Some((of(high, low), false)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_forbidden_family_is_known_in_every_spelling_of_an_address() {
        let table = [
            ("127.0.0.1", Family::Loopback),
            ("127.255.3.4", Family::Loopback),
            ("::1", Family::Loopback),
            ("::ffff:127.0.0.1", Family::Loopback),
            ("::127.0.0.1", Family::Loopback),
            ("64:ff9b::7f00:1", Family::Loopback),
            ("2002:7f00:1::", Family::Loopback),
            ("10.1.2.3", Family::Private),
            ("172.16.0.1", Family::Private),
            ("172.31.255.255", Family::Private),
            ("192.168.1.1", Family::Private),
            ("100.64.0.1", Family::Private),
            ("fd00::1", Family::Private),
            ("fec0::1", Family::Private),
            ("::ffff:10.0.0.1", Family::Private),
            ("64:ff9b:1::a00:1", Family::Private),
            ("169.254.169.254", Family::LinkLocal),
            ("::ffff:169.254.169.254", Family::LinkLocal),
            ("64:ff9b::a9fe:a9fe", Family::LinkLocal),
            ("fe80::1", Family::LinkLocal),
            ("0.0.0.0", Family::Reserved),
            ("::", Family::Reserved),
            ("224.0.0.1", Family::Reserved),
            ("255.255.255.255", Family::Reserved),
            ("192.0.2.1", Family::Reserved),
            ("198.18.0.1", Family::Reserved),
            ("ff02::1", Family::Reserved),
            ("2001:db8::1", Family::Reserved),
            ("2001::1", Family::Reserved),
            ("2002:808:808::", Family::Reserved),
        ];
        for (address, wanted) in table {
            assert_eq!(family(address.parse().unwrap()), Some(wanted), "{address}");
        }
    }

    #[test]
    fn public_addresses_have_no_family() {
        for address in
            ["8.8.8.8", "1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
        {
            assert_eq!(family(address.parse().unwrap()), None, "{address}");
        }
    }
}
