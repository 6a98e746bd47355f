//! What stopping rules say, in words.

use trimtab_engine::StoppingRule;
use trimtab_engine::number::to_text;

/// A rule as a sentence part, such as "best worse than the median of at least 5 completed trials, from epoch 3 on".
pub(crate) fn in_words(rule: &StoppingRule, unit: &str) -> String {
    let from = |warm_up: u32| if warm_up > 0 { format!(", from {unit} {warm_up} on") } else { String::new() };
    match *rule {
        StoppingRule::Median { trials, warm_up } => {
            format!("best worse than the median of the averages of at least {trials} completed trials{}", from(warm_up))
        }
        StoppingRule::Percentile { percent, trials, warm_up } => {
            format!("best not among the best {percent} % of at least {trials} completed trials{}", from(warm_up))
        }
        StoppingRule::Patience { fidelity, delta, warm_up } => {
            let by = if delta > 0.0 { format!(" by more than {}", to_text(delta)) } else { String::new() };
            format!("not better{by} for {fidelity} {unit}s{}", from(warm_up))
        }
        StoppingRule::Threshold { value, warm_up } => format!("worse than {}{}", to_text(value), from(warm_up)),
    }
}
