//! Short forms for the many instructions: `Name<K: Bound>[FLAG]: (A, B) -> D = |a, b| expression;` is an instruction on lanes,
//! with types and true-or-false parameters where it needs them. `L` is the level that it is compiled for.

/// Instructions `d, a`.
macro_rules! unary {
    ($($(#[$doc:meta])* $name:ident$(<$($t:ident: $bound:path),+>)?$([$($c:ident),+])?:
        ($A:ty) -> $D:ty = |$a:ident| $body:expr;)*) => {$(
        $(#[$doc])*
        pub struct $name<$($($t,)+)? $($(const $c: bool,)+)?>(std::marker::PhantomData<($($($t,)+)?)>);

        impl<$($($t: $bound,)+)? $($(const $c: bool,)+)?> $crate::alu::run::Unary for $name<$($($t,)+)? $($($c,)+)?> {
            type D = $D;
            type A = $A;

            #[inline(always)]
            fn lane<L: $crate::alu::level::Level>($a: $crate::alu::kind::Lane<$A>) -> $crate::alu::kind::Lane<$D> {
                $body
            }
        }
    )*};
}

/// Instructions `d, a, b`.
macro_rules! binary {
    ($($(#[$doc:meta])* $name:ident$(<$($t:ident: $bound:path),+>)?$([$($c:ident),+])?:
        ($A:ty, $B:ty) -> $D:ty = |$a:ident, $b:ident| $body:expr;)*) => {$(
        $(#[$doc])*
        pub struct $name<$($($t,)+)? $($(const $c: bool,)+)?>(std::marker::PhantomData<($($($t,)+)?)>);

        impl<$($($t: $bound,)+)? $($(const $c: bool,)+)?> $crate::alu::run::Binary for $name<$($($t,)+)? $($($c,)+)?> {
            type D = $D;
            type A = $A;
            type B = $B;

            #[inline(always)]
            fn lane<L: $crate::alu::level::Level>(
                $a: $crate::alu::kind::Lane<$A>,
                $b: $crate::alu::kind::Lane<$B>,
            ) -> $crate::alu::kind::Lane<$D> {
                $body
            }
        }
    )*};
}

/// Instructions `d, a, b, c`.
macro_rules! ternary {
    ($($(#[$doc:meta])* $name:ident$(<$($t:ident: $bound:path),+>)?$([$($c:ident),+])?:
        ($A:ty, $B:ty, $C:ty) -> $D:ty = |$a:ident, $b:ident, $x:ident| $body:expr;)*) => {$(
        $(#[$doc])*
        pub struct $name<$($($t,)+)? $($(const $c: bool,)+)?>(std::marker::PhantomData<($($($t,)+)?)>);

        impl<$($($t: $bound,)+)? $($(const $c: bool,)+)?> $crate::alu::run::Ternary for $name<$($($t,)+)? $($($c,)+)?> {
            type D = $D;
            type A = $A;
            type B = $B;
            type C = $C;

            #[inline(always)]
            fn lane<L: $crate::alu::level::Level>(
                $a: $crate::alu::kind::Lane<$A>,
                $b: $crate::alu::kind::Lane<$B>,
                $x: $crate::alu::kind::Lane<$C>,
            ) -> $crate::alu::kind::Lane<$D> {
                $body
            }
        }
    )*};
}

/// `$make::<$op<Kind>>($isa)` for the kind that the type `$type` names, from a list `"u16" | "s16" => U16, …`; else None.
macro_rules! by_type {
    ($type:expr, $make:ident, $op:ident, $isa:expr, $($name:literal $(| $more:literal)* => $kind:ty),+ $(,)?) => {
        match $type {
            $($name $(| $more)* => $make::<$op<$kind>>($isa),)+
            _ => None,
        }
    };
}

/// `$make` with the true-or-false values of two expressions as the last parameters of `$op`.
macro_rules! by_flags {
    ($make:ident, $op:ident[$($t:ty),*], $isa:expr, $x:expr) => {
        if $x { $make::<$op<$($t,)* true>>($isa) } else { $make::<$op<$($t,)* false>>($isa) }
    };
    ($make:ident, $op:ident[$($t:ty),*], $isa:expr, $x:expr, $y:expr) => {
        match ($x, $y) {
            (false, false) => $make::<$op<$($t,)* false, false>>($isa),
            (false, true) => $make::<$op<$($t,)* false, true>>($isa),
            (true, false) => $make::<$op<$($t,)* true, false>>($isa),
            (true, true) => $make::<$op<$($t,)* true, true>>($isa),
        }
    };
}

/// `$op` with the mode that `$round` is as its first parameter, and true-or-false values as its last: made by `$near` if rounded to
/// nearest, by `$other` else.
macro_rules! by_round {
    ($round:expr, $near:ident, $other:ident, $op:ident$(<$t:ty>)?, $isa:expr $(, $flag:expr)+) => {
        match $round {
            Round::Nearest => by_flags!($near, $op[Rn $(, $t)?], $isa $(, $flag)+),
            Round::Zero => by_flags!($other, $op[Rz $(, $t)?], $isa $(, $flag)+),
            Round::Down => by_flags!($other, $op[Rm $(, $t)?], $isa $(, $flag)+),
            Round::Up => by_flags!($other, $op[Rp $(, $t)?], $isa $(, $flag)+),
            Round::Away => None,
        }
    };
    ($round:expr, $near:ident, $other:ident, $op:ident, $isa:expr) => {
        match $round {
            Round::Nearest => $near::<$op<Rn>>($isa),
            Round::Zero => $other::<$op<Rz>>($isa),
            Round::Down => $other::<$op<Rm>>($isa),
            Round::Up => $other::<$op<Rp>>($isa),
            Round::Away => None,
        }
    };
}

pub(super) use {binary, by_flags, by_round, by_type, ternary, unary};
