//! ELF files with 64 bits, little-endian, as far as cubins need it; and how one is made to carry its PTX.

/// How the files begin.
pub const MAGIC: [u8; 4] = *b"\x7fELF";
/// Bytes of the file's header.
pub const HEADER: usize = 64;
/// The section that PTX is in, with its final NUL.
pub const PTX: &str = ".warptape.ptx";

/// Bytes of an entry of the section table.
const ENTRY: usize = 64;
/// A section without contents in the file.
const NOBITS: u32 = 8;

/// A section.
#[derive(Clone, Copy, Debug)]
pub struct Section<'a> {
    pub name: &'a str,
    /// `sh_size`: of sections without contents, too.
    pub size: u64,
    /// `sh_info`.
    pub info: u32,
    pub contents: &'a [u8],
}

/// A number of `bytes` bytes; none if the file ends before.
fn field(file: &[u8], at: usize, bytes: usize) -> Option<u64> {
    let bytes = file.get(at..at.checked_add(bytes)?)?;
    Some(bytes.iter().rev().fold(0, |value, &byte| value << 8 | u64::from(byte)))
}

/// Bytes of the file with the header `header`: NVRTC puts one of the two tables last, and so does [`with_ptx`].
pub fn length(header: &[u8]) -> usize {
    let end = |offset, size, count| {
        let at = |place, bytes| field(header, place, bytes).unwrap_or(0) as usize;
        at(offset, 8) + at(size, 2) * at(count, 2)
    };
    end(32, 54, 56).max(end(40, 58, 60)).max(HEADER)
}

/// The file's sections; none if it is broken.
pub fn sections(file: &[u8]) -> Option<Vec<Section<'_>>> {
    let (table, count, names) =
        (field(file, 40, 8)? as usize, field(file, 60, 2)? as usize, field(file, 62, 2)? as usize);
    let contents = |number: usize| -> Option<&[u8]> {
        let at = table.checked_add(number * ENTRY)?;
        if field(file, at + 4, 4)? as u32 == NOBITS {
            return Some(&[]);
        }
        let (start, size) = (field(file, at + 24, 8)? as usize, field(file, at + 32, 8)? as usize);
        file.get(start..start.checked_add(size)?)
    };
    let names = contents(names)?;
    (0..count)
        .map(|number| {
            let at = table.checked_add(number * ENTRY)?;
            let name = names.get(field(file, at, 4)? as usize..)?;
            let name = std::str::from_utf8(&name[..name.iter().position(|byte| *byte == 0)?]).ok()?;
            let (size, info) = (field(file, at + 32, 8)?, field(file, at + 44, 4)? as u32);
            Some(Section { name, size, info, contents: contents(number)? })
        })
        .collect()
}

/// The file with `ptx` in a section of its own behind everything: its contents, then names with one more, then a table with one
/// more. What was there stays where it was. None for a file that is broken.
pub fn with_ptx(file: &[u8], ptx: &[u8]) -> Option<Vec<u8>> {
    sections(file)?;
    let (table, count, names) =
        (field(file, 40, 8)? as usize, field(file, 60, 2)? as usize, field(file, 62, 2)? as usize);
    let entry_of_names = table + names * ENTRY;
    let (start, size) = (field(file, entry_of_names + 24, 8)? as usize, field(file, entry_of_names + 32, 8)? as usize);

    let mut all = file.to_vec();
    let align = |all: &mut Vec<u8>| all.resize(all.len().next_multiple_of(16), 0);
    align(&mut all);
    let ptx_at = all.len();
    all.extend_from_slice(ptx);
    align(&mut all);
    let names_at = all.len();
    all.extend_from_slice(file.get(start..start + size)?);
    let name_at = all.len() - names_at;
    all.extend_from_slice(PTX.as_bytes());
    all.push(0);
    let names_size = all.len() - names_at;
    align(&mut all);
    let table_at = all.len();
    all.extend_from_slice(file.get(table..table + count * ENTRY)?);
    let mut entry = [0u8; ENTRY];
    // SHT_PROGBITS: contents that the file does not explain.
    let fields: [(usize, &[u8]); 5] = [
        (0, &(name_at as u32).to_le_bytes()),
        (4, &1u32.to_le_bytes()),
        (24, &(ptx_at as u64).to_le_bytes()),
        (32, &(ptx.len() as u64).to_le_bytes()),
        (48, &1u64.to_le_bytes()),
    ];
    for (place, bytes) in fields {
        entry[place..place + bytes.len()].copy_from_slice(bytes);
    }
    all.extend_from_slice(&entry);
    let mut put = |place: usize, bytes: &[u8]| all[place..place + bytes.len()].copy_from_slice(bytes);
    put(table_at + names * ENTRY + 24, &(names_at as u64).to_le_bytes());
    put(table_at + names * ENTRY + 32, &(names_size as u64).to_le_bytes());
    put(40, &(table_at as u64).to_le_bytes());
    put(60, &(count as u16 + 1).to_le_bytes());
    Some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file with one section, which has the names.
    fn small() -> Vec<u8> {
        let mut file = vec![0u8; HEADER];
        file[..4].copy_from_slice(&MAGIC);
        let names = b"\0.shstrtab\0";
        file.extend_from_slice(names);
        file.resize(80, 0);
        let mut entry = [0u8; ENTRY];
        entry[0] = 1;
        entry[4] = 3;
        entry[24] = HEADER as u8;
        entry[32] = names.len() as u8;
        file.extend_from_slice(&entry);
        (file[40], file[58], file[60], file[62]) = (80, ENTRY as u8, 1, 0);
        file
    }

    #[test]
    fn a_file_carries_ptx_and_what_it_had() {
        let file = small();
        assert_eq!(length(&file), file.len());
        let more = with_ptx(&file, b".version 9.0\0").unwrap();
        assert_eq!(length(&more), more.len());
        let found = sections(&more).unwrap();
        assert_eq!(found.iter().map(|section| section.name).collect::<Vec<_>>(), [".shstrtab", PTX]);
        assert_eq!(found[1].contents, b".version 9.0\0");
        assert_eq!(more[HEADER..80], file[HEADER..80]);
    }

    #[test]
    fn a_broken_file_is_none() {
        for end in [10, 70, 100] {
            assert!(sections(&small()[..end]).is_none(), "{end}");
        }
        let mut file = small();
        file[80 + 24] = 250;
        assert!(sections(&file).is_none() && with_ptx(&file, b"").is_none());
    }
}
