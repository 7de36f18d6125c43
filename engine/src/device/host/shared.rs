//! Enums that kernels and callbacks share. A header has the definition; what Rust makes of it is compared with its text when
//! this is compiled.

/// Defines the enum that `$header` has in these words, with the same numbers.
macro_rules! shared_enum {
    ($header:expr, $(#[$about:meta])* $name:ident { $first:ident $(, $rest:ident)* }) => {
        $(#[$about])*
        #[allow(clippy::upper_case_acronyms)]
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum $name {
            $first,
            $($rest),*
        }

        impl $name {
            /// The one that the header gives this number.
            #[inline]
            pub(super) fn numbered(number: impl TryInto<usize>) -> Self {
                let all = [Self::$first $(, Self::$rest)*];
                number.try_into().ok().and_then(|number| all.get(number)).copied().expect("a number of the header's")
            }
        }

        const _: () = assert!(
            contains($header, concat!("enum ", stringify!($name), " { ", stringify!($first) $(, ", ", stringify!($rest))*, " };")),
            "the header has another enum of this name"
        );
    };
}

shared_enum!(include_str!("shim.h"), /// What a barrier tells its threads.
    Barrier { PLAIN, COUNT, AND, OR });
shared_enum!(include_str!("shim.h"), /// What lanes of a warp do together.
    Collective { SYNC, SHUFFLE, BALLOT, ALL });
shared_enum!(include_str!("observe.h"), /// What an access does; `LOOK` is a volatile read.
    Access { READ, WRITE, ATOMIC, LOOK });
shared_enum!(include_str!("counted.h"), /// What a counted operation computes.
    Operation { ADD, MULTIPLY, FUSED, DIVIDE, SPECIAL, COMPARE });

const fn contains(text: &str, part: &str) -> bool {
    let (text, part) = (text.as_bytes(), part.as_bytes());
    let mut start = 0;
    while start + part.len() <= text.len() {
        let mut same = 0;
        while same < part.len() && text[start + same] == part[same] {
            same += 1;
        }
        if same == part.len() {
            return true;
        }
        start += 1;
    }
    false
}
