//! Bad data of every kind, each with the message that says which file, where in it, what was expected, what was found.

use std::fs;
use std::io::Write;

use flate2::{Compression, write::GzEncoder};
use tempfile::TempDir;

use crate::fixture::{Flags, data, flags, header, train};

/// The error of a run on a table of `content`, with more flags.
fn table(content: impl AsRef<[u8]>, more: &str) -> String {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("t.csv");
    fs::write(&path, content).unwrap();
    let flags = Flags::new(&["--hidden-units=4 --epochs=1 --threads=1"]).path("--data", &path).with(&[more]);
    let ran = train(&flags);
    assert_eq!(ran.ending.as_ref().map_err(|error| error.exit_code()), Err(2), "{}", ran.output);
    ran.error().replace(&path.display().to_string(), "t.csv")
}

/// A good table of `rows`, with two columns and a class.
fn good(rows: usize) -> String {
    let rows = (0..rows).map(|row| format!("{},{},{}\n", row, row % 7, ["no", "yes"][row % 2]));
    std::iter::once("size,kind,sold\n".to_owned()).chain(rows).collect()
}

#[test]
fn tables_that_are_none_are_told() {
    let unreadable = "expected a header and rows, found an empty file";
    assert_eq!(table("", ""), format!("t.csv: {unreadable}"));
    assert_eq!(table("a,b\n", ""), "t.csv: expected rows after the header, found none");
    assert_eq!(table("a,b\n1,2\n3\n", ""), "t.csv, line 3: expected 2 cells as in the header, found 1");
    assert_eq!(table("a,b\r\n1,2\r\n3,4,5\r\n", ""), "t.csv, line 3: expected 2 cells as in the header, found 3");
    assert_eq!(table("a,b\r\n1,2\r\n\r\n3,4,5\r\n", ""), "t.csv, line 4: expected 2 cells as in the header, found 3");
    assert_eq!(table("a,b\n\n\"1\n\",2\n\n\n3,4,5\n", ""), "t.csv, line 7: expected 2 cells as in the header, found 3");
    assert_eq!(
        table(format!("a,{}\n1,2\n", "b".repeat(201)), ""),
        "t.csv, line 1: expected names of at most 200 characters, found 201 in column 2"
    );
    assert_eq!(
        table(format!("a,b\n1,2\n\"{}\n", "3\n".repeat(5 << 20)), ""),
        "t.csv, line 3: expected a row of at most 4 MiB, found more; is a quotation mark not closed?"
    );
    assert_eq!(table("a,a\n1,2\n", ""), "t.csv, line 1: expected different names, found two columns `a`");
    assert_eq!(table("a,,b\n1,2,3\n", ""), "t.csv, line 1: expected a name for each column, found none for column 2");
    assert_eq!(
        table(b"a,b\n1,2\nx\xff,3\n", ""),
        "t.csv, line 3, column `a`: expected text in UTF-8, found other bytes"
    );
    assert_eq!(
        table(b"\x7fELF\0\0\x01,b\n1,2\n", ""),
        "t.csv, line 1: expected a header of text in UTF-8, found other bytes"
    );
    assert_eq!(
        table("a,b\n1,\"2\n3,4\n5,6\n", "--task=classification"),
        "t.csv, column `b`: expected at least two classes, found only `2\u{fffd}3,4\u{fffd}5,6`"
    );
    let wide = (0..10_001).map(|column| format!("c{column}")).collect::<Vec<_>>().join(",");
    assert_eq!(table(wide, ""), "t.csv, line 1: expected at most 10000 columns, found 10001");
}

#[test]
fn columns_that_cannot_be_used_are_told() {
    assert_eq!(
        table("a,b,c\n1,,x\n2,NaN,y\n", ""),
        "t.csv, column `b`: expected values, found none in any row; such a column is named in --ignore"
    );
    assert_eq!(
        table("a,b\n1,x\n2,y\nthree,x\n", ""),
        "t.csv, line 4, column `a`: expected a number, found `three`; a column of texts is named in --categorical"
    );
    assert_eq!(table("a,b\n1,x\ninf,y\n3,x\n", ""), "t.csv, line 3, column `a`: expected a finite number, found `inf`");
    assert_eq!(
        table("a,b\n1,x\n1e999,y\n3,x\n", ""),
        "t.csv, line 3, column `a`: expected a finite number, found `1e999`"
    );
    assert_eq!(
        table("a,b\n1,x\n2,y\n-2e100,x\n", ""),
        "t.csv, line 4, column `a`: expected a number from -1e100 to 1e100, found `-2e100`"
    );
    let names: String = (0..1001).map(|row| format!("id-{row},{}\n", row % 2)).collect();
    assert_eq!(
        table(format!("name,b\n{names}"), ""),
        "t.csv, column `name`: expected at most 1000 different texts, found 1001; a column that only names the rows is \
         named in --ignore"
    );
    assert_eq!(
        table(good(10), "--target=price"),
        "t.csv: --target names `price`, expected one of the columns size, kind, sold"
    );
    assert_eq!(
        table(good(10), "--ignore=price"),
        "t.csv: --ignore names `price`, expected one of the columns size, kind, sold"
    );
    assert_eq!(
        table(good(10), "--categorical=price"),
        "t.csv: --categorical names `price`, expected one of the columns size, kind, sold"
    );
    assert_eq!(table(good(10), "--ignore=size,kind"), "t.csv: expected columns besides the target `sold`, found none");
}

#[test]
fn targets_that_teach_nothing_are_told() {
    assert_eq!(table("a,b\n1,x\n2,x\n", ""), "t.csv, column `b`: expected at least two classes, found only `x`");
    assert_eq!(table("a,b\n1,x\n2,\n", ""), "t.csv, line 3, column `b`: expected the value to predict, found none");
    assert_eq!(
        table("a,b\n1,7.5\n2,7.5\n", "--task=regression"),
        "t.csv, column `b`: expected different numbers to predict, found only 7.5"
    );
    assert_eq!(
        table("a,b\n1,2.5\n2,high\n", "--task=regression"),
        "t.csv, line 3, column `b`: expected a number, found `high`; a column of texts is named in --categorical"
    );
    let many: String = (0..1001).map(|row| format!("{row},{row}.5\n")).collect();
    assert_eq!(
        table(format!("a,b\n{many}"), "--task=classification"),
        "t.csv, column `b`: expected at most 1000 classes, found 1001; numbers are predicted with --task=regression"
    );
}

#[test]
fn divisions_that_leave_nothing_are_told() {
    let bad = |flags: &str| table(good(10), flags);
    assert_eq!(bad("--validation=10"), "t.csv has 10 rows: 10 of them for validation leaves none to train on");
    assert_eq!(bad("--validation=0.01"), "t.csv has 10 rows: this share of them is none to validate on");
    assert_eq!(bad("--split=k-fold --folds=11"), "t.csv has 10 rows: 11 folds need at least 11");
    assert_eq!(
        bad("--split=stratified-k-fold --folds=6"),
        "t.csv has 10 rows: class 0 has only 5: 6 stratified folds need 6 of each"
    );
    assert_eq!(
        table("a,b\n1,1.5\n2,2.5\n3,3.5\n", "--split=stratified --task=regression"),
        "t.csv has 3 rows: a stratified division needs classes, but the target is a number"
    );
    assert_eq!(
        bad("--split=k-fold --folds=5 --repeats=2 --repeat=11"),
        "t.csv has 10 rows: k-fold of 5 parts, 2 times, has no part 11"
    );
    assert_eq!(
        table(good(1001), "--split=leave-one-out"),
        "t.csv has 1001 rows: leave-one-out makes 1001 parts, but a run trains at most 1000 side by side"
    );
}

#[test]
fn what_does_not_suit_the_data_is_told() {
    let bad = |flags: &str| table(good(20), flags);
    let large = bad("--split=leave-one-out --repeats=50 --layers=4 --hidden-units=8192");
    assert!(large.starts_with("the networks of all folds need at least 2305"), "{large}");
    assert!(large.ends_with(" MiB are available to this process"), "{large}");
    assert_eq!(bad("--metrics=rmse"), "the metric rmse is of numbers, but classes are predicted");
    assert_eq!(bad("--metrics=top_3"), "the metric top_3 is of more classes than there are: 2");
    assert!(bad("--model=cnn").starts_with("a convolutional network needs images, but the data is a table"));
    assert_eq!(
        bad("--class-weights=1,2,3"),
        "--class-weights (or PARAM_CLASS_WEIGHTS) has 3 numbers, but the classes are no, yes"
    );
    assert!(bad("--test").starts_with("--test needs a folder with test files"));
    assert!(bad("--split=k-fold --save=/tmp/none").starts_with("--save needs one network"));
    let data = data();
    let flags = flags(data.path()).with(&["--model=cnn --channels=4,4,4,4"]);
    assert_eq!(train(&flags).error(), "4 blocks leave no pixel of 8 x 8");
}

#[test]
fn compressed_tables_that_are_cut_or_altered_are_told() {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(good(1000).as_bytes()).unwrap();
    let mut bytes = encoder.finish().unwrap();
    assert_eq!(table(&bytes[..bytes.len() / 2], ""), "t.csv: is truncated: the compressed data ends too early");
    let checksum = bytes.len() - 6;
    bytes[checksum] ^= 1;
    let error = table(&bytes, "");
    assert!(error.starts_with("cannot read t.csv: corrupt gzip stream"), "{error}");
}

#[test]
fn paths_that_hold_nothing_are_told() {
    let error = |path: &str| train(&Flags::new(&[&format!("--data={path}")])).error();
    assert_eq!(
        error("/nowhere.csv"),
        "/nowhere.csv does not exist: expected a folder of IDX files, a CSV file, or generated:NAME"
    );
    let folder = TempDir::new().unwrap();
    let empty = folder.path().display().to_string();
    assert_eq!(error(&empty), format!("no train-images-idx3-ubyte and no train-images-idx3-ubyte.gz in {empty}"));
    let expected = "expected one of spirals, blobs, plane, waves, perhaps followed by :ROWS";
    assert_eq!(error("generated:rings"), format!("`generated:rings` is no problem: {expected}"));
    assert_eq!(error("generated:blobs:0"), format!("`generated:blobs:0` is no problem: {expected}"));
}

#[test]
fn images_that_are_none_are_told() {
    let error = |spoil: &dyn Fn(&std::path::Path)| {
        let data = data();
        spoil(data.path());
        train(&flags(data.path())).error().replace(&data.path().display().to_string(), "DATA")
    };
    let (images, labels) = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte");
    let found = error(&|folder| {
        fs::remove_file(folder.join(images)).unwrap();
        fs::create_dir(folder.join(images)).unwrap();
    });
    assert!(found.starts_with(&format!("cannot read DATA/{images}: Is a directory")), "{found}");
    let found = error(&|folder| fs::write(folder.join(images), header(0x803, &[0, 8, 8])).unwrap());
    assert_eq!(found, format!("DATA/{images} has an impossible header: 0 items of 8 x 8"));
    let found = error(&|folder| {
        let mut content = header(0x801, &[600]);
        content.extend([3; 600]);
        fs::write(folder.join(labels), content).unwrap();
    });
    assert_eq!(found, format!("DATA/{labels}: expected at least two classes, found only 3"));
    let found = error(&|folder| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(&fs::read(folder.join(images)).unwrap()).unwrap();
        let mut bytes = encoder.finish().unwrap();
        let checksum = bytes.len() - 6;
        bytes[checksum] ^= 1;
        fs::write(folder.join(images), bytes).unwrap();
    });
    assert!(found.starts_with(&format!("cannot read DATA/{images}: corrupt gzip stream")), "{found}");
    // A few bytes that decompress to what their header promises, but that is more than there is memory for.
    let found = error(&|folder| {
        fs::write(folder.join(images), header(0x803, &[1 << 20, 64, 128])).unwrap();
    });
    assert!(found.contains("is truncated: its header promises 8589934592 bytes") || found.contains("MiB of memory"));
}
