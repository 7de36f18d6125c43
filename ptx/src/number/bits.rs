//! Fields, bytes and counts of bits (section 9.7.1: bfind, fns, bfe, bfi, szext, bmsk, dp4a, dp2a; 9.7.9: prmt).

/// bfind from the number of leading zeros: the place of the first bit, or how far it is from the top; all ones if there is none.
#[inline(always)]
pub fn leading<const SHIFT: bool, const BITS: u32>(zeros: u32) -> u32 {
    let place = if SHIFT { zeros } else { (BITS - 1).wrapping_sub(zeros) };
    if zeros == BITS { u32::MAX } else { place }
}

macro_rules! field {
    ($($unsigned:ident, $signed:ident, $insert:ident: $u:ident, $s:ident;)*) => {$(
        /// bfe: `length` bits of `a` from `place` on (the low 8 bits of both), zeros above.
        #[inline(always)]
        pub fn $unsigned(a: $u, place: u32, length: u32) -> $u {
            let (place, length) = (place & 255, length & 255);
            let from = if place < $u::BITS { a >> (place & ($u::BITS - 1)) } else { 0 };
            let keep = if length < $u::BITS { ((1 as $u) << (length & ($u::BITS - 1))).wrapping_sub(1) } else { !0 };
            from & keep
        }

        /// bfe: `length` bits of `a` from `place` on (the low 8 bits of both), their sign above. What lies beyond `a` is its sign.
        #[inline(always)]
        pub fn $signed(a: $s, place: u32, length: u32) -> $s {
            let (place, length) = (place & 255, (length & 255).min($s::BITS));
            let above = $s::BITS - length;
            let from = a >> place.min($s::BITS - 1);
            if length == 0 { 0 } else { from << (above & ($s::BITS - 1)) >> (above & ($s::BITS - 1)) }
        }

        /// bfi: `b` with `length` bits from `place` on (the low 8 bits of both) replaced by the low bits of `a`.
        #[inline(always)]
        pub fn $insert(a: $u, b: $u, place: u32, length: u32) -> $u {
            let (place, length) = (place & 255, length & 255);
            let low = if length < $u::BITS { ((1 as $u) << (length & ($u::BITS - 1))).wrapping_sub(1) } else { !0 };
            let by = place & ($u::BITS - 1);
            let (mask, moved) = if place < $u::BITS { (low << by, a << by) } else { (0, 0) };
            b & !mask | moved & mask
        }
    )*};
}

field! {
    field_u32, field_s32, insert_u32: u32, i32;
    field_u64, field_s64, insert_u64: u64, i64;
}

/// fns: the place of the `offset`-th set bit of `mask` from `base` on, upwards or (negative) downwards; 0 is `base` itself. All ones
/// if there is none.
#[inline(always)]
pub fn nth_set(mask: u32, base: u32, offset: i32) -> u32 {
    let set = |place: u32| place < 32 && mask >> place & 1 != 0;
    if offset == 0 {
        return if set(base) { base } else { u32::MAX };
    }
    let mut left = offset.unsigned_abs();
    let mut place = base;
    while place < 32 {
        left -= set(place) as u32;
        if left == 0 {
            return place;
        }
        place = if offset > 0 { place + 1 } else { place.wrapping_sub(1) };
    }
    u32::MAX
}

/// szext: the low `length` bits of `a`, zeros above. `WRAP` takes `length` modulo 32; otherwise 32 and more leave `a` as it is.
#[inline(always)]
pub fn extend_u32<const WRAP: bool>(a: u32, length: u32) -> u32 {
    a & !outside::<WRAP>(length)
}

/// szext: as [`extend_u32`], the highest of the bits above.
#[inline(always)]
pub fn extend_s32<const WRAP: bool>(a: i32, length: u32) -> i32 {
    let outside = outside::<WRAP>(length) as i32;
    let sign = 1i32.wrapping_shl(length.wrapping_sub(1));
    let negative = length & 31 != 0 && a & sign != 0;
    if negative { a | outside } else { a & !outside }
}

/// The bits from `length` on.
#[inline(always)]
fn outside<const WRAP: bool>(length: u32) -> u32 {
    if !WRAP && length >= 32 { 0 } else { u32::MAX << (length & 31) }
}

/// bmsk: `length` bits from `place` on. `WRAP` takes both modulo 32; otherwise 32 and more are as much as there is.
#[inline(always)]
pub fn mask<const WRAP: bool>(place: u32, length: u32) -> u32 {
    let (low, width) = (place & 31, length & 31);
    let from = if !WRAP && place >= 32 { 0 } else { u32::MAX << low };
    let all = low + width >= 32 || (!WRAP && (place >= 32 || length >= 32));
    from & !(if all { 0 } else { u32::MAX << ((low + width) & 31) })
}

#[inline(always)]
fn byte<const SIGNED: bool>(word: u32, at: u32) -> u32 {
    let byte = (word >> (8 * at)) as u8;
    if SIGNED { byte as i8 as u32 } else { byte as u32 }
}

/// dp4a: `c` and the products of four bytes each.
#[inline(always)]
pub fn dot4<const SIGNED_A: bool, const SIGNED_B: bool>(a: u32, b: u32, c: u32) -> u32 {
    let product = |at| byte::<SIGNED_A>(a, at).wrapping_mul(byte::<SIGNED_B>(b, at));
    c.wrapping_add(product(0)).wrapping_add(product(1)).wrapping_add(product(2)).wrapping_add(product(3))
}

/// dp2a: `c` and the products of the halves of `a` with the low two bytes of `b`.
#[inline(always)]
pub fn dot2<const SIGNED_A: bool, const SIGNED_B: bool>(a: u32, b: u32, c: u32) -> u32 {
    let half = |at: u32| {
        let half = (a >> (16 * at)) as u16;
        if SIGNED_A { half as i16 as u32 } else { half as u32 }
    };
    let product = |at| half(at).wrapping_mul(byte::<SIGNED_B>(b, at));
    c.wrapping_add(product(0)).wrapping_add(product(1))
}

/// prmt: each nibble of `selector` names a byte of `b:a`; its high bit takes that byte's sign eight times instead.
#[inline(always)]
pub fn permute(a: u32, b: u32, selector: u32) -> u32 {
    let bytes = (b as u64) << 32 | a as u64;
    let pick = |at: u32| {
        let nibble = selector >> (4 * at);
        let byte = (bytes >> (8 * (nibble & 7))) as u8;
        let sign = (byte as i8 >> 7) as u8;
        (if nibble & 8 != 0 { sign } else { byte } as u32) << (8 * at)
    };
    pick(0) | pick(1) | pick(2) | pick(3)
}
