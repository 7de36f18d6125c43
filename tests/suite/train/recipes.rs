//! The files of options in `recipes/`.

use std::path::Path;

use crate::command::fails;

/// They are read, and make sense, up to where pictures are looked for.
#[test]
fn recipes_are_trainings() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("recipes");
    if !folder.exists() {
        println!("skipped: the sources are not here");
        return;
    }
    let table = std::fs::read_to_string(folder.join("README.md")).unwrap();
    let empty = tempfile::NamedTempFile::new().unwrap();
    let weights = empty.path().to_str().unwrap();
    let files = std::fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path());
    let recipes: Vec<_> = files.filter(|file| file.extension().is_some_and(|end| end == "toml")).collect();
    assert!(recipes.len() >= 4);
    for recipe in recipes {
        let name = recipe.file_name().unwrap().to_str().unwrap();
        assert!(table.contains(&format!("]({name})")), "recipes/README.md does not tell of {name}");
        let config = recipe.to_str().unwrap();
        let out = empty.path().with_extension("out");
        match name.starts_with("sweep-") {
            true => {
                fails(&["sweep", config, "no-such-pictures", "--out", out.to_str().unwrap()], 2, &["no-such-pictures"])
            }
            false => {
                fails(
                    &["train", "no-such-pictures", "--config", config, "--weights", weights],
                    2,
                    &["no-such-pictures"],
                );
            }
        }
    }
}
