//! ONNX files, read by the tags of onnx.proto and nothing of ours. What the reader does not know is a panic: a file has nothing
//! that no test has seen.

use std::collections::BTreeMap;

/// A file.
pub struct File {
    pub ir_version: u64,
    /// Version of the common operators.
    pub opset: u64,
    pub producer: String,
    /// The graph's name.
    pub name: String,
    pub nodes: Vec<Node>,
    pub initializers: BTreeMap<String, (Vec<usize>, Vec<f32>)>,
    /// Name and dimensions of what goes in and what comes out.
    pub input: (String, Vec<Dimension>),
    pub output: (String, Vec<Dimension>),
}

/// A length or its name.
#[derive(Debug, PartialEq)]
pub enum Dimension {
    Is(usize),
    Named(String),
}

/// An operator at work.
pub struct Node {
    pub name: String,
    pub op: String,
    pub inputs: Vec<String>,
    pub output: String,
    settings: BTreeMap<String, Setting>,
}

enum Setting {
    Float(f32),
    Int(i64),
    Ints(Vec<usize>),
}

impl Node {
    /// A list of sizes; panics where there is none.
    pub fn ints<const N: usize>(&self, name: &str) -> [usize; N] {
        let Some(Setting::Ints(ints)) = self.settings.get(name) else { panic!("{}: no sizes {name}", self.name) };
        ints.as_slice().try_into().unwrap_or_else(|_| panic!("{}: {name} {ints:?}", self.name))
    }

    /// One number.
    pub fn int(&self, name: &str) -> i64 {
        let Some(Setting::Int(int)) = self.settings.get(name) else { panic!("{}: no number {name}", self.name) };
        *int
    }

    /// One float.
    pub fn float(&self, name: &str) -> f32 {
        let Some(Setting::Float(float)) = self.settings.get(name) else { panic!("{}: no float {name}", self.name) };
        *float
    }

    /// The settings that there are.
    pub fn settings(&self) -> Vec<&str> {
        self.settings.keys().map(String::as_str).collect()
    }
}

/// A field of a message, by its wire type.
enum Field<'a> {
    Varint(u64),
    Bytes(&'a [u8]),
    Fixed32([u8; 4]),
}

impl Field<'_> {
    fn int(&self) -> u64 {
        let Field::Varint(int) = self else { panic!("no integer") };
        *int
    }

    fn text(&self) -> String {
        String::from_utf8(self.bytes().to_vec()).expect("UTF-8")
    }

    fn bytes(&self) -> &[u8] {
        let Field::Bytes(bytes) = self else { panic!("no bytes") };
        bytes
    }
}

/// The fields of a message, with their tags, in order.
fn fields(mut bytes: &[u8]) -> Vec<(u64, Field<'_>)> {
    fn varint(bytes: &mut &[u8]) -> u64 {
        let length = 1 + bytes.iter().position(|byte| byte & 0x80 == 0).expect("an end");
        let (word, rest) = bytes.split_at(length);
        *bytes = rest;
        word.iter().rev().fold(0, |value, byte| value << 7 | u64::from(byte & 0x7f))
    }
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let key = varint(&mut bytes);
        let field = match key & 7 {
            0 => Field::Varint(varint(&mut bytes)),
            2 => {
                let length = varint(&mut bytes) as usize;
                let (content, rest) = bytes.split_at(length);
                bytes = rest;
                Field::Bytes(content)
            }
            5 => {
                let (content, rest) = bytes.split_at(4);
                bytes = rest;
                Field::Fixed32(content.try_into().unwrap())
            }
            wire => panic!("wire type {wire}"),
        };
        found.push((key >> 3, field));
    }
    found
}

/// Reads a file.
pub fn read(bytes: &[u8]) -> File {
    let mut file = File {
        ir_version: 0,
        opset: 0,
        producer: String::new(),
        name: String::new(),
        nodes: Vec::new(),
        initializers: BTreeMap::new(),
        input: (String::new(), Vec::new()),
        output: (String::new(), Vec::new()),
    };
    for (tag, field) in fields(bytes) {
        match tag {
            1 => file.ir_version = field.int(),
            2 => file.producer = field.text(),
            3 => assert_eq!(field.text(), env!("CARGO_PKG_VERSION")),
            7 => graph(field.bytes(), &mut file),
            8 => {
                let set = fields(field.bytes());
                assert!(matches!(&set[..], [(1, domain), (2, _)] if domain.bytes().is_empty()));
                file.opset = set[1].1.int();
            }
            _ => panic!("field {tag} of a model"),
        }
    }
    file
}

fn graph(bytes: &[u8], file: &mut File) {
    for (tag, field) in fields(bytes) {
        match tag {
            1 => file.nodes.push(node(field.bytes())),
            2 => file.name = field.text(),
            5 => {
                let (name, tensor) = tensor(field.bytes());
                assert!(file.initializers.insert(name.clone(), tensor).is_none(), "{name} is there twice");
            }
            11 => file.input = value(field.bytes()),
            12 => file.output = value(field.bytes()),
            _ => panic!("field {tag} of a graph"),
        }
    }
}

fn node(bytes: &[u8]) -> Node {
    let (mut name, mut op, mut inputs, mut outputs) = (String::new(), String::new(), Vec::new(), Vec::new());
    let mut settings = BTreeMap::new();
    for (tag, field) in fields(bytes) {
        match tag {
            1 => inputs.push(field.text()),
            2 => outputs.push(field.text()),
            3 => name = field.text(),
            4 => op = field.text(),
            5 => settings.extend([setting(field.bytes())]),
            _ => panic!("field {tag} of a node"),
        }
    }
    let [output] = outputs.try_into().expect("one output");
    Node { name, op, inputs, output, settings }
}

fn setting(bytes: &[u8]) -> (String, Setting) {
    let (mut name, mut kind, mut float, mut int, mut ints) = (String::new(), 0, None, None, Vec::new());
    for (tag, field) in fields(bytes) {
        match (tag, &field) {
            (1, _) => name = field.text(),
            (2, Field::Fixed32(bytes)) => float = Some(f32::from_le_bytes(*bytes)),
            (3, _) => int = Some(field.int() as i64),
            (8, _) => ints.push(field.int() as usize),
            (20, _) => kind = field.int(),
            _ => panic!("field {tag} of an attribute"),
        }
    }
    // The type says which of the values counts, and no other may be there.
    let setting = match (kind, float, int, ints.is_empty()) {
        (1, Some(float), None, true) => Setting::Float(float),
        (2, None, Some(int), true) => Setting::Int(int),
        (7, None, None, false) => Setting::Ints(ints),
        other => panic!("attribute {name}: {other:?}"),
    };
    (name, setting)
}

fn tensor(bytes: &[u8]) -> (String, (Vec<usize>, Vec<f32>)) {
    let (mut name, mut shape, mut values) = (String::new(), Vec::new(), Vec::new());
    for (tag, field) in fields(bytes) {
        match tag {
            1 => shape.push(field.int() as usize),
            2 => assert_eq!(field.int(), 1, "elements are floats"),
            8 => name = field.text(),
            9 => {
                let (words, rest) = field.bytes().as_chunks();
                assert!(rest.is_empty());
                values = words.iter().map(|&word| f32::from_le_bytes(word)).collect();
            }
            _ => panic!("field {tag} of a tensor"),
        }
    }
    assert_eq!(values.len(), shape.iter().product::<usize>(), "{name}");
    (name, (shape, values))
}

/// The name of an input or output, and its dimensions.
fn value(bytes: &[u8]) -> (String, Vec<Dimension>) {
    let outer = fields(bytes);
    let [(1, name), (2, kind)] = &outer[..] else { panic!("a name and a type") };
    let kind = fields(kind.bytes());
    let [(1, tensor)] = &kind[..] else { panic!("a tensor") };
    let tensor = fields(tensor.bytes());
    let [(1, Field::Varint(1)), (2, shape)] = &tensor[..] else { panic!("floats of a shape") };
    let dimensions = fields(shape.bytes()).into_iter().map(|(tag, dimension)| {
        assert_eq!(tag, 1);
        match &fields(dimension.bytes())[..] {
            [(1, size)] => Dimension::Is(size.int() as usize),
            [(2, name)] => Dimension::Named(name.text()),
            _ => panic!("a length or a name"),
        }
    });
    (name.text(), dimensions.collect())
}
