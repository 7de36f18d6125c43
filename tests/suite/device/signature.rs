//! Reading what a kernel takes out of its source.

use warptape::device::signature::{Element, Kind, Signature};
use warptape::device::tree::kernel_files;
use warptape::device::{Defines, Source, Tree};

fn source(text: &str) -> Source {
    Source::from_text("mine.cu", text, &Defines::new()).unwrap()
}

/// Names, types and kinds of the parameters of the only kernel of `text`.
fn parameters(text: &str) -> Vec<(String, String, Kind)> {
    let source = source(text);
    let signature = Signature::of(&source, &source.kernels()[0]).unwrap();
    signature.parameters.into_iter().map(|p| (p.name, p.text, p.kind)).collect()
}

fn one(declaration: &str) -> (String, String, Kind) {
    let mut all = parameters(&format!("__global__ void k({declaration}) {{}}"));
    assert_eq!(all.len(), 1, "{declaration}");
    all.remove(0)
}

fn pointer(to: Element, lanes: usize, read_only: bool) -> Kind {
    Kind::Pointer { to: Some((to, lanes)), read_only }
}

/// Every kernel of the tree has parameters with distinct names; pointers come first and sizes after them.
#[test]
fn every_shipped_kernel() {
    let mut seen = 0;
    for file in kernel_files() {
        let source = Tree::default().load(&file, &Defines::new()).unwrap();
        for kernel in source.kernels() {
            let parameters = Signature::of(&source, kernel).unwrap().parameters;
            assert!(parameters.len() >= 2, "{kernel} of {file}: {parameters:?}");
            for (i, parameter) in parameters.iter().enumerate() {
                let name = &parameter.name;
                assert!(name.starts_with(|c: char| c.is_ascii_lowercase()) && *name != format!("arg{i}"), "{name}");
                assert!(!parameters[..i].iter().any(|other| other.name == *name), "{kernel} of {file}: two {name}");
            }
            // Destinations come first, or a table that holds them.
            let table = matches!(parameters[0].kind, Kind::Pointer { to: None, .. });
            let destination = matches!(parameters[0].kind, Kind::Pointer { read_only: false, .. });
            assert!(table || destination, "{kernel}: {parameters:?}");
            seen += 1;
        }
    }
    assert!(seen >= 34, "{seen}");
}

#[test]
fn a_shipped_kernel_whole() {
    let source = Tree::default().load("dropout/vectorized.cu", &Defines::new()).unwrap();
    let found = Signature::of(&source, "dropout_forward").unwrap();
    let named: Vec<_> = found.parameters.iter().map(|p| (&*p.name, p.kind)).collect();
    let expected = [
        ("y", pointer(Element::F32, 1, false)),
        ("x", pointer(Element::F32, 1, true)),
        ("n", Kind::Scalar(Element::I32)),
        ("threshold", Kind::Scalar(Element::U32)),
        ("scale", Kind::Scalar(Element::F32)),
        ("seed", Kind::Scalar(Element::U64)),
        ("step", Kind::Scalar(Element::U64)),
        ("stream", Kind::Scalar(Element::U32)),
    ];
    assert_eq!(named, expected);
    let source = Tree::default().load("conv2d/forward/5_vectorized.cu", &Defines::new()).unwrap();
    let found = Signature::of(&source, "conv2d_forward").unwrap();
    assert_eq!(found.parameters[4].text, "Conv");
    assert_eq!(found.parameters[4].kind, Kind::Struct);
}

#[test]
fn numbers() {
    let scalars = [
        ("int n", "int", Element::I32),
        ("const int n", "int", Element::I32),
        ("unsigned n", "unsigned", Element::U32),
        ("unsigned int n", "unsigned int", Element::U32),
        ("uint n", "uint", Element::U32),
        ("long long n", "long long", Element::I64),
        ("unsigned long long int n", "unsigned long long int", Element::U64),
        ("size_t n", "size_t", Element::U64),
        ("unsigned char n", "unsigned char", Element::U8),
        ("char n", "char", Element::I8),
        ("short n", "short", Element::I16),
        ("unsigned short n", "unsigned short", Element::U16),
        ("bool n", "bool", Element::U8),
        ("float n = 1.0f", "float", Element::F32),
        ("double n", "double", Element::F64),
    ];
    for (declaration, text, element) in scalars {
        assert_eq!(one(declaration), ("n".into(), text.into(), Kind::Scalar(element)), "{declaration}");
    }
}

#[test]
fn pointers() {
    let pointers = [
        ("float* x", "float*", pointer(Element::F32, 1, false)),
        ("float *x", "float*", pointer(Element::F32, 1, false)),
        ("float*x", "float*", pointer(Element::F32, 1, false)),
        ("float x[]", "float*", pointer(Element::F32, 1, false)),
        ("const float* __restrict__ x", "float*", pointer(Element::F32, 1, true)),
        ("float const* const __restrict x", "float*", pointer(Element::F32, 1, true)),
        ("float* const x", "float*", pointer(Element::F32, 1, false)),
        ("volatile int* x", "int*", pointer(Element::I32, 1, false)),
        ("unsigned char* x", "unsigned char*", pointer(Element::U8, 1, false)),
        ("const float4* x", "float4*", pointer(Element::F32, 4, true)),
        ("uchar4* x", "uchar4*", pointer(Element::U8, 4, false)),
        ("double2* x", "double2*", pointer(Element::F64, 2, false)),
        ("float** x", "float**", Kind::Pointer { to: None, read_only: false }),
        ("const Particle* x", "Particle*", Kind::Pointer { to: None, read_only: true }),
        ("const __grid_constant__ Shape x", "Shape", Kind::Struct),
    ];
    for (declaration, text, kind) in pointers {
        assert_eq!(one(declaration), ("x".into(), text.into(), kind), "{declaration}");
    }
}

#[test]
fn lists_as_people_write_them() {
    let text = "
        // __global__ void not_me(int a) {}
        /* nor me: __global__ void nor_me(int b) { */
        extern \"C\" __global__ __launch_bounds__(256, 2)
        void first(float* __restrict__ y,        // [n], the result
                   const float *x /* [n], read */,

                   int n, float a = 2.0f,
                   Pair<float, int> pair) { y[0] = x[0]; }
        __global__ void none() {}
        __global__ void nothing(void) { }";
    let names: Vec<_> = parameters(text).into_iter().map(|(name, text, _)| format!("{text} {name}")).collect();
    assert_eq!(names, ["float* y", "float* x", "int n", "float a", "Pair<float, int> pair"]);
    for empty in ["none", "nothing"] {
        assert_eq!(Signature::of(&source(text), empty).unwrap().parameters, []);
    }
}

/// A declaration before the definition may lack the names; a longer name is another kernel.
#[test]
fn the_right_one_among_several() {
    let text = "__global__ void add(float*, int);
        __global__ void add_all(int other) {}
        __global__ void add(float* x, int n) { x[0] = n; }";
    let found = Signature::of(&source(text), "add").unwrap();
    assert_eq!(found.parameters.iter().map(|p| &*p.name).collect::<Vec<_>>(), ["x", "n"]);
    let unnamed = "__global__ void add(float*, unsigned int);";
    let names: Vec<_> = parameters(unnamed).into_iter().map(|(name, text, _)| format!("{text} {name}")).collect();
    assert_eq!(names, ["float* arg0", "unsigned int arg1"]);
}

#[test]
fn aliases() {
    let text = "typedef unsigned int word;
        using real = float; using scalar = real;
        #define INDEX long long
        __global__ void k(word* w, const scalar* x, real a, INDEX n, T t, loop l) {}
        using loop = loop;";
    let kinds: Vec<_> = parameters(text).into_iter().map(|p| p.2).collect();
    let expected = [
        pointer(Element::U32, 1, false),
        pointer(Element::F32, 1, true),
        Kind::Scalar(Element::F32),
        Kind::Scalar(Element::I64),
        Kind::Struct,
        Kind::Struct,
    ];
    assert_eq!(kinds, expected);
    let defined = Source::from_text("mine.cu", text, &Defines::new().with("T", "double")).unwrap();
    assert_eq!(Signature::of(&defined, "k").unwrap().parameters[4].kind, Kind::Scalar(Element::F64));
}

#[test]
fn kernels_that_are_not_there_or_cannot_be_launched() {
    let text = "__global__ void one(int a) {} template <class T>\n__global__ void many(T* x) {}";
    let error = Signature::of(&source(text), "two").unwrap_err().to_string();
    assert_eq!(error, "kernel source mine.cu: has no kernel 'two'; it has one, many");
    let error = Signature::of(&source(text), "many").unwrap_err().to_string();
    assert!(error.contains("kernel 'many' is a template") && error.contains("fixed types"), "{error}");
}
