//! LZ4's blocks ("LZ4 Block Format Description"), in which fat binaries of CUDA 12 and before are compressed.

/// The `size` bytes that a block holds; none if it is broken.
pub fn unpack(mut block: &[u8], size: usize) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    while let [token, rest @ ..] = block {
        block = rest;
        let literals = length(&mut block, token >> 4)?;
        let (copied, rest) = block.split_at_checked(literals)?;
        out.extend_from_slice(copied);
        block = rest;
        // The last sequence has no match.
        let [low, high, rest @ ..] = block else { break };
        block = rest;
        let distance = usize::from(u16::from_le_bytes([*low, *high]));
        let repeated = length(&mut block, token & 15)? + 4;
        if distance == 0 || distance > out.len() || out.len() + repeated > size {
            return None;
        }
        // What is repeated may reach into itself.
        (0..repeated).for_each(|_| out.push(out[out.len() - distance]));
    }
    (out.len() == size).then_some(out)
}

/// A length whose first four bits are `first`: 15 goes on in bytes, of which 255 does so again.
fn length(block: &mut &[u8], first: u8) -> Option<usize> {
    let mut all = usize::from(first);
    let mut last = if first == 15 { 255 } else { 0 };
    while last == 255 {
        let (next, rest) = block.split_first()?;
        (last, *block) = (*next, rest);
        all += usize::from(last);
    }
    Some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequences_are_literals_and_repetitions() {
        // "ab", then 2 back for 19 bytes (15 + 0 + 4), then "xyz" alone.
        let block = [0x2F, b'a', b'b', 2, 0, 0, 0x30, b'x', b'y', b'z'];
        assert_eq!(unpack(&block, 24).unwrap(), b"ababababababababababaxyz");
        // Before the beginning, too long, cut off.
        assert!(unpack(&[0x1F, b'a', 9, 0, 0], 20).is_none());
        assert!(unpack(&block, 23).is_none() && unpack(&block[..8], 24).is_none());
    }
}
