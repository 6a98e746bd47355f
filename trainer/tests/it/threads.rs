//! Threads make it faster and change nothing.

use tempfile::TempDir;

use crate::fixture::{data, files, flags, train};

#[test]
fn threads_change_nothing_but_the_time() {
    let images = data();
    for more in [
        "--batch-size=128 --dropout=0.2",
        "--batch-size=200 --optimizer=sgd --parts=5",
        "--model=cnn --channels=4,8 --batch-size=96",
        // Not divided: burn divides the operations.
        "--batch-norm=on --batch-size=128 --hidden-units=300",
        "--model=cnn --channels=8 --batch-norm=on --batch-size=96",
        "--batch-size=32 --hidden-units=300",
    ] {
        let ran: Vec<_> = [1, 2, 3]
            .map(|threads| {
                let folder = TempDir::new().unwrap();
                let more = format!("{more} --epochs=2 --threads={threads}");
                let ran = train(&flags(images.path()).path("--checkpoint", folder.path()).with(&[&more]));
                (ran.epochs(), files(folder.path(), 2))
            })
            .into();
        assert_eq!(ran[0].0.len(), 2, "{more}");
        assert!(ran[0] == ran[1] && ran[0] == ran[2], "{more}: {:?} {:?} {:?}", ran[0].0, ran[1].0, ran[2].0);
    }
}

#[test]
fn parts_change_only_the_rounding() {
    let images = data();
    let loss = |parts: usize| {
        let more = format!("--batch-size=128 --epochs=1 --optimizer=sgd --parts={parts}");
        train(&flags(images.path()).with(&[&more])).last("loss")
    };
    let (one, four) = (loss(1), loss(4));
    assert!((one - four).abs() < 1e-5, "{one} {four}");
}
