//! What frameworks print, line by line, and what is read from it.

use trimtab_protocol::{LineReport, Metrics, Parser, Why};

/// Reads lines and gives each report as `metric@fidelity=value`.
fn read_with(key: Option<&str>, names: &[&str], lines: &[&str]) -> Vec<String> {
    let metrics =
        Metrics { fidelity_key: key.map(str::to_owned), names: names.iter().map(|name| (*name).to_owned()).collect() };
    let mut parser = Parser::new(&metrics);
    let mut found: Vec<LineReport> = lines.iter().map(|line| parser.parse(line.as_bytes())).collect();
    found.push(parser.finish());
    let reports = found.into_iter().flat_map(|line| line.reports);
    reports
        .map(|report| match report.fidelity {
            Some(fidelity) => format!("{}@{fidelity}={}", report.metric, report.value),
            None => format!("{}={}", report.metric, report.value),
        })
        .collect()
}

fn read(names: &[&str], lines: &[&str]) -> Vec<String> {
    read_with(None, names, lines)
}

fn reasons(names: &[&str], line: &str) -> Vec<Why> {
    let metrics = Metrics { fidelity_key: None, names: names.iter().map(|name| (*name).to_owned()).collect() };
    Parser::new(&metrics).parse(line.as_bytes()).rejected.into_iter().map(|rejected| rejected.why).collect()
}

#[test]
fn pairs_in_free_text_are_read() {
    for (line, expected) in [
        ("epoch=3 val_accuracy=0.91", vec!["val_accuracy@3=0.91"]),
        ("epoch: 3, val_accuracy: 0.91, loss: 0.3", vec!["val_accuracy@3=0.91", "loss@3=0.3"]),
        ("loss: 0.3, val_loss: 0.2", vec!["loss=0.3"]),
        ("val_accuracy = 0.91 (epoch = 2)", vec!["val_accuracy@2=0.91"]),
        ("Epoch 3/10 - loss: 0.5 - val_accuracy: 91%", vec!["loss@3=0.5", "val_accuracy@3=91"]),
        ("Epoch [3/10], Step [100/500], loss: 0.3018.", vec!["loss@3=0.3018"]),
        ("Epoch: [3][ 10/500]\tloss: 6.9e+00 (7.0e+00)", vec!["loss@3=6.9"]),
        ("Epoch 003 | loss=1e-3 | val_accuracy=nan", vec!["loss@3=0.001", "val_accuracy@3=NaN"]),
        ("2026-11-22 18:00:00,123 - INFO - epoch=1 loss=0.5", vec!["loss@1=0.5"]),
        ("INFO:root:loss=0.5", vec!["loss=0.5"]),
        ("I1122 18:00:00.123456 1 train.py:10] epoch=2, loss=inf", vec!["loss@2=inf"]),
        ("\x1b[32mINFO\x1b[0m \x1b[1mloss\x1b[0m=\x1b[36m0.25\x1b[0m", vec!["loss=0.25"]),
        ("time=2026-11-22T18:00:00Z level=INFO msg=done epoch=4 loss=\"0.5\"", vec!["loss@4=0.5"]),
        ("loss: tensor(0.2500, device='cuda:0', grad_fn=<NllLossBackward0>)", vec!["loss=0.25"]),
        ("| epoch=1 │ loss=0.5│ val_accuracy=0.1 |", vec!["loss@1=0.5", "val_accuracy@1=0.1"]),
        ("val_loss=0.5 xloss=1 loss_total=2 Loss=3 --loss=4 loss.x=5 loss/a=6 my-loss=7", vec![]),
        ("loss=", vec![]),
        ("", vec![]),
    ] {
        assert_eq!(read(&["val_accuracy", "loss"], &[line]), expected, "{line}");
    }
}

#[test]
fn names_may_have_slashes_dots_and_at_signs() {
    assert_eq!(
        read(&["val/loss", "ndcg@10", "eval.f1-macro"], &["epoch=1 val/loss=0.5 ndcg@10=0.3 eval.f1-macro: 0.2"]),
        ["val/loss@1=0.5", "ndcg@10@1=0.3", "eval.f1-macro@1=0.2"]
    );
}

#[test]
fn fidelity_is_the_last_seen_unless_the_line_says_it() {
    let lines = ["loss=9", "epoch=1", "loss=8", "Epoch 2/3", "loss=7", "epoch=-1 loss=6", "epoch=nan loss=5"];
    assert_eq!(read(&["loss"], &lines), ["loss=9", "loss@1=8", "loss@2=7", "loss@2=6", "loss@2=5"]);
}

#[test]
fn key_of_the_study_replaces_epoch() {
    let lines = ["Epoch 7", "step: 100 loss=0.5", "Step 200/500 loss=0.4", "epoch=9 loss=0.3"];
    assert_eq!(read_with(Some("step"), &["loss"], &lines), ["loss@100=0.5", "loss@200=0.4", "loss@200=0.3"]);
    assert_eq!(read(&["loss"], &["step=100 loss=0.5"]), ["loss=0.5"]);
}

#[test]
fn paths_and_flags_are_no_fidelity() {
    let lines = [
        "python train.py --epoch=7 --lr=0.1",
        "saved checkpoints/epoch=3-step=128.ckpt",
        "epoch=3-step=128.ckpt",
        "epochs: 10",
        "loss=1",
    ];
    assert_eq!(read(&["loss"], &lines), ["loss=1"]);
}

#[test]
fn json_lines_give_what_stands_at_the_top_and_under_metrics() {
    for (line, expected) in [
        (r#"{"epoch": 3, "val_accuracy": 0.91, "loss": 0.3}"#, vec!["val_accuracy@3=0.91", "loss@3=0.3"]),
        (r#"{"epoch":3,"metrics":{"val_accuracy":"0.91","loss":NaN}}"#, vec!["val_accuracy@3=0.91", "loss@3=NaN"]),
        (r#"{"loss": -Infinity, "epoch": "2"}"#, vec!["loss@2=-inf"]),
        (r#"{"metrics": {"loss": 1e-3, "epoch": 2}}"#, vec!["loss@2=0.001"]),
        (
            r#"{"config": {"loss": 5}, "metrics": {"deep": {"loss": 6}}, "list": [{"loss": 7}], "loss": 1}"#,
            vec!["loss=1"],
        ),
        (r#"{"msg": "epoch=2 loss=0.5", "level": "info"}"#, vec!["loss@2=0.5"]),
        (r#"{"msg": "loss=0.5", "loss": 0.25}"#, vec!["loss=0.25"]),
        (r#"{"text": "loss=0.5"}"#, vec![]),
        (r#"{"\u006coss": 0.5}"#, vec!["loss=0.5"]),
        (r#"{"loss": null, "val_accuracy": true, "empty": {}, "none": []}"#, vec![]),
        (r#"  {"loss": 0.5}  "#, vec!["loss=0.5"]),
        (r#"INFO {"epoch": 1, "loss": 0.5} done"#, vec!["loss@1=0.5"]),
        (r#"{"loss": 0.5"#, vec!["loss=0.5"]),
        ("{loss: 0.5}", vec!["loss=0.5"]),
        ("{}", vec![]),
        ("{", vec![]),
    ] {
        assert_eq!(read(&["val_accuracy", "loss"], &[line]), expected, "{line}");
    }
}

#[test]
fn hugging_face_prints_dicts_among_its_bars() {
    let lines = [
        "{'loss': 0.3456, 'grad_norm': 2.5, 'learning_rate': 1.6666666666666667e-05, 'epoch': 1.0}",
        "{'eval_loss': 0.25, 'eval_accuracy': 0.91, 'eval_runtime': 1.2, 'epoch': 1.0}",
        " 33%|███▎      | 50/150 [00:10<00:20,  5.00it/s]\r                                                \r{'eval_loss': '0.2', 'epoch': '2'}",
        "{'eval_loss': np.float64(0.15), 'tags': ('a', 'b'), 'ok': True, 'epoch': 2.98}",
        "100%|██████████| 150/150 [00:30<00:00,  5.00it/s]",
        "{'train_runtime': 30.1, 'train_loss': 0.4, 'epoch': 3.0}",
    ];
    assert_eq!(
        read(&["eval_loss", "eval_accuracy", "loss"], &lines),
        ["loss@1=0.3456", "eval_loss@1=0.25", "eval_accuracy@1=0.91", "eval_loss@2=0.2", "eval_loss@2.98=0.15"]
    );
}

#[test]
fn xgboost_lines_begin_with_their_round() {
    let lines = [
        "[18:00:00] WARNING: ../src/learner.cc:767: Parameters: { \"x\" } are not used.",
        "[0]\ttrain-rmse:0.52341\tval-rmse:0.54321",
        "[1]\ttrain-rmse:0.41234\tval-rmse:nan",
        "[10]\ttrain-rmse:0.31234+0.00123\tval-rmse:0.41234+0.00456",
    ];
    assert_eq!(read(&["val-rmse"], &lines), ["val-rmse@0=0.54321", "val-rmse@1=NaN", "val-rmse@10=0.41234"]);
}

#[test]
fn lightgbm_names_keep_their_data_set() {
    let lines = [
        "[LightGBM] [Info] Total Bins 255",
        "Training until validation scores don't improve for 5 rounds",
        "[10]\ttraining's l2: 0.3\ttraining's auc: 0.95\tvalid_0's l2: 0.35\tvalid_0's auc: 0.9",
        "Early stopping, best iteration is:",
        "[7]\ttraining's l2: 0.31\ttraining's auc: 0.94\tvalid_0's l2: 0.33\tvalid_0's auc: 0.92",
    ];
    assert_eq!(read(&["valid_0's auc"], &lines), ["valid_0's auc@10=0.9", "valid_0's auc@7=0.92"]);
    assert_eq!(read(&["valid_0-auc", "auc"], &lines), ["valid_0-auc@10=0.9", "valid_0-auc@7=0.92"]);
    assert_eq!(read(&["valid-l2"], &["[3]\tvalid's l2: 0.3 + 0.01"]), ["valid-l2@3=0.3"]);
}

#[test]
fn catboost_lines_begin_with_their_round() {
    let lines =
        ["Learning rate set to 0.05", "10:\tlearn: 0.52\ttest: 0.61\tbest: 0.61 (10)\ttotal: 12.3ms\tremaining: 1.1s"];
    assert_eq!(read(&["test"], &lines), ["test@10=0.61"]);
}

#[test]
fn keras_3_bars_count_when_they_are_full() {
    let lines = [
        "Epoch 3/10",
        "\x1b[1m   1/1875\x1b[0m \x1b[37m━━━━━━━━━━━━━━━━━━━━\x1b[0m \x1b[1m12:34\x1b[0m 403ms/step - accuracy: 0.1250 - loss: 2.3438\x08\x08\x08\x08\r\x1b[1m1875/1875\x1b[0m \x1b[32m━━━━━━━━━━━━━━━━━━━━\x1b[0m\x1b[37m\x1b[0m \x1b[1m3s\x1b[0m 2ms/step - accuracy: 0.9100 - loss: 0.3000 - val_accuracy: 0.9000 - val_loss: 0.3100",
        "Epoch 4/10",
        "  12/1875 ━━━━━━━━━━━━━━━━━━━━ 3s 2ms/step - accuracy: 0.5 - loss: 1.5",
        "1875/1875 ━━━━━━━━━━━━━━━━━━━━ 3s 2ms/step - accuracy: 0.92 - loss: 0.29",
        "1875/1875 ━━━━━━━━━━━━━━━━━━━━ 4s 2ms/step - accuracy: 0.92 - loss: 0.29 - val_accuracy: 0.91 - val_loss: 0.30",
        "Epoch 4: val_accuracy improved from 0.90000 to 0.91000, saving model to best.keras",
    ];
    assert_eq!(
        read(&["loss", "val_accuracy"], &lines),
        ["loss@3=0.3", "val_accuracy@3=0.9", "loss@4=0.29", "loss@4=0.29", "val_accuracy@4=0.91"]
    );
}

#[test]
fn keras_2_bars_count_when_they_are_full() {
    let bar = |count: &str, end: &str| format!("{count} [{}] - ETA: 3s - loss: {end}", ">".repeat(3));
    let first = bar("  12/1875", "2.30");
    let rubbed_out = "\x08".repeat(first.len());
    let line = format!(
        "{first}{rubbed_out}\r1875/1875 [==============================] - 3s 2ms/step - loss: 0.30 - val_loss: 0.31"
    );
    let lines =
        ["Epoch 1/10", &line, "Epoch 2/10", "1875/1875 - 3s - loss: 0.2 - val_loss: 0.25 - 3s/epoch - 2ms/step"];
    assert_eq!(read(&["loss", "val_loss"], &lines), ["loss@1=0.3", "val_loss@1=0.31", "loss@2=0.2", "val_loss@2=0.25"]);
    assert_eq!(reasons(&["loss"], &first), [Why::Unfinished]);
}

#[test]
fn lightning_bars_count_from_zero_and_only_when_the_next_epoch_begins() {
    let lines = [
        "\rEpoch 0:  50%|█████     | 16/32 [00:00<00:00, 20.1it/s, v_num=0, train_loss=2.00]\rEpoch 0: 100%|██████████| 32/32 [00:01<00:00, 20.1it/s, v_num=0, train_loss=1.50]",
        "\rValidation DataLoader 0:  50%|█████     | 2/4 [00:00<00:00, 90.1it/s]\x1b[A",
        "\r                                                                      \x1b[A\rEpoch 0: 100%|██████████| 32/32 [00:01<00:00, 18.1it/s, v_num=0, train_loss=1.50, val_loss=0.900]",
        // The first epoch's validation is still shown here, up to the second bar of the epoch.
        "\rEpoch 1: 100%|██████████| 32/32 [00:01<00:00, 20.1it/s, v_num=0, train_loss=1.00, val_loss=0.900]",
        "\rEpoch 1: 100%|██████████| 32/32 [00:01<00:00, 18.1it/s, v_num=0, train_loss=1.00, val_loss=0.700]",
        "`Trainer.fit` stopped: `max_epochs=2` reached.",
    ];
    assert_eq!(
        read(&["train_loss", "val_loss"], &lines),
        ["train_loss@0=1.5", "val_loss@0=0.9", "train_loss@1=1", "val_loss@1=0.7"]
    );
}

#[test]
fn lightning_bar_without_a_newline_is_one_line_of_many_epochs() {
    let line = "\rEpoch 0: 100%|##| 2/2 [00:01, val_loss=0.9]\rEpoch 1:   0%|  | 0/2 [00:00, val_loss=0.9]\rEpoch 1: 100%|##| 2/2 [00:01, val_loss=0.9]\rEpoch 1: 100%|##| 2/2 [00:02, val_loss=0.7]";
    assert_eq!(read(&["val_loss"], &[line]), ["val_loss@0=0.9", "val_loss@1=0.7"]);
}

#[test]
fn lightning_bars_by_rich_are_read_too() {
    let lines = [
        "Epoch 0/9  ━━━━━━╸━━━━━━━━━ 16/32 0:00:01 • 0:00:00 20.12it/s v_num: 0.000 train_loss: 0.7",
        "Epoch 0/9  ━━━━━━━━━━━━━━━━ 32/32 0:00:01 • 0:00:00 20.12it/s v_num: 0.000 train_loss: 0.500 val_loss: 0.400",
        "Epoch 1/9  ━━━━━━━━━━━━━━━━ 32/32 0:00:01 • 0:00:00 20.12it/s v_num: 0.000 train_loss: 0.400 val_loss: 0.300",
    ];
    assert_eq!(
        read(&["train_loss", "val_loss"], &lines),
        ["train_loss@0=0.5", "val_loss@0=0.4", "train_loss@1=0.4", "val_loss@1=0.3"]
    );
}

#[test]
fn ultralytics_rows_are_read_by_their_headers() {
    let lines = [
        "      Epoch    GPU_mem   box_loss   cls_loss   dfl_loss  Instances       Size",
        "\r      1/100       2.1G      1.955      2.811      1.402         20        640:  50%|█████     | 4/8 [00:02<00:02,  1.9it/s]\r      1/100       2.1G       1.95       2.80       1.40         35        640: 100%|██████████| 8/8 [00:03<00:00,  2.5it/s]",
        "\r                 Class     Images  Instances      Box(P          R      mAP50  mAP50-95):   0%|          | 0/4 [00:00<?, ?it/s]\r                 Class     Images  Instances      Box(P          R      mAP50  mAP50-95): 100%|██████████| 4/4 [00:01<00:00,  2.52it/s]",
        "                   all        128        929       0.64      0.537      0.605      0.446",
        "",
        "      Epoch    GPU_mem   box_loss   cls_loss   dfl_loss  Instances       Size",
        "      2/100         0G       1.85       2.70       1.30         35        640: 100% ━━━━━━━━━━━━ 8/8 2.5it/s 3.2s",
        "                 Class     Images  Instances      Box(P          R      mAP50  mAP50-95): 100% ━━━━━━━━━━━━ 4/4 2.5it/s 1.2s",
        "                   all        128        929      0.645       0.54       0.61       0.45",
        "                person         61        254       0.80       0.67       0.77       0.54",
    ];
    assert_eq!(
        read(&["box_loss", "mAP50-95"], &lines),
        ["box_loss@1=1.95", "mAP50-95@1=0.446", "box_loss@2=1.85", "mAP50-95@2=0.45"]
    );
    assert_eq!(
        read(&["train/cls_loss", "metrics/precision(B)", "box/mAP50"], &lines[..4]),
        ["train/cls_loss@1=2.8", "metrics/precision(B)@1=0.64", "box/mAP50@1=0.605"]
    );
    let masks = [
        "3/9 loss=1",
        "Class Images Instances Box(P R mAP50 mAP50-95) Mask(P R mAP50 mAP50-95): 100%|██| 4/4",
        "all 128 929 0.1 0.2 0.3 0.4 0.5 0.6 0.7 0.8",
    ];
    assert_eq!(
        read(&["mAP50", "mask/mAP50-95", "metrics/recall(M)"], &masks),
        ["mAP50=0.3", "metrics/recall(M)=0.6", "mask/mAP50-95=0.8"]
    );
    let classes = [
        "      Epoch    GPU_mem       loss  Instances       Size",
        "        1/3         0G       2.29         16        224: 100%|██| 2/2",
        "classes   top1_acc   top5_acc: 100%|██| 1/1",
        "all 0.93 1",
    ];
    assert_eq!(read(&["top1_acc", "loss"], &classes), ["loss@1=2.29", "top1_acc@1=0.93"]);
}

#[test]
fn only_the_last_drawing_of_a_line_counts() {
    assert_eq!(read(&["loss"], &["epoch=1 loss=3\repoch=1 loss=2\repoch=1 loss=1\r"]), ["loss@1=1"]);
    assert_eq!(read(&["loss"], &["epoch=1 loss=3\repoch=1 loss=2\repoch=2 loss=1"]), ["loss@1=2", "loss@2=1"]);
    assert_eq!(read(&["loss"], &["epoch=1 loss=3\rsaving...\r"]), ["loss@1=3"]);
}

#[test]
fn doubtful_values_are_refused_with_a_reason() {
    for (line, why) in [
        ("latency_ms=12ms", Why::Unit),
        ("latency_ms: 1,234", Why::Thousands),
        ("latency_ms: 0x1F", Why::Unit),
        ("latency_ms: None", Why::NotANumber),
        ("latency_ms: 3/10", Why::NotANumber),
        (r#"{"latency_ms": "fast"}"#, Why::NotANumber),
        (r#"{"latency_ms": [1, 2]}"#, Why::NotANumber),
        (" 10%|█         | 1/10 [00:01<00:09, latency_ms=3]", Why::Unfinished),
    ] {
        let expected: &[Why] = if line.contains('[') && line.starts_with('{') { &[] } else { &[why] };
        assert_eq!(reasons(&["latency_ms"], line), expected, "{line}");
    }
}

#[test]
fn invalid_utf_8_is_read_around() {
    let metrics = Metrics { fidelity_key: None, names: ["loss".to_owned()].into() };
    let report = Parser::new(&metrics).parse(b"\xff\xfe epoch=1 \x80loss=0.5\xf0\x28 loss=0.25 \xff");
    assert_eq!(report.reports.iter().map(|report| report.value).collect::<Vec<_>>(), [0.25]);
}
