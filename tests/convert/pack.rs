//! Packing.

use fewbit::convert::{ConvertError, PackOrder, pack, packed_len, unpack};
use fewbit::formats::philox;

/// Bit by bit.
fn expected(codes: &[u8], bits: u32, order: PackOrder) -> Vec<u8> {
    let mut bytes = vec![0u8; (codes.len() * bits as usize).div_ceil(8)];
    for (i, code) in codes.iter().enumerate() {
        for bit in 0..bits as usize {
            let place = i * bits as usize + bit;
            let (from, to) = match order {
                PackOrder::LowFirst => (bit, place % 8),
                PackOrder::HighFirst => (bits as usize - 1 - bit, 7 - place % 8),
            };
            bytes[place / 8] |= (code >> from & 1) << to;
        }
    }
    bytes
}

#[test]
fn every_width_and_order_there_and_back() {
    for (bits, order) in (1..=8).flat_map(|bits| PackOrder::ALL.map(|order| (bits, order))) {
        for n in (0..40).chain([64, 1000, 100_003]) {
            let codes: Vec<u8> = (0..n).map(|i| philox::bits(5, i) as u8).collect();
            let mut bytes = vec![0xff; packed_len(codes.len(), bits)];
            pack(&codes, bits, order, &mut bytes).unwrap();
            assert_eq!(bytes, expected(&codes, bits, order), "{n} codes of {bits} bits, {order}");
            let mut back = vec![0xff; codes.len()];
            unpack(&bytes, bits, order, &mut back).unwrap();
            let low: Vec<u8> = codes.iter().map(|code| code & (0xff >> (8 - bits))).collect();
            assert_eq!(back, low, "{n} codes of {bits} bits, {order}");
        }
    }
}

#[test]
fn wrong_sizes_are_refused() {
    let order = PackOrder::LowFirst;
    assert_eq!(pack(&[0], 9, order, &mut [0]), Err(ConvertError::PackWidth { bits: 9 }));
    assert_eq!(pack(&[0], 0, order, &mut []), Err(ConvertError::PackWidth { bits: 0 }));
    let error = unpack(&[0, 0], 4, order, &mut [0; 5]).unwrap_err();
    assert_eq!(error.to_string(), "5 codes of 4 bits take 3 bytes packed (low-first), not 2");
}
