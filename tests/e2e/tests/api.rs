//! Trimtab's definitions, permissions and preflight on a real API server: etcd and kube-apiserver, nothing else.

#[path = "api/definitions.rs"]
mod definitions;
#[path = "api/leader.rs"]
mod leader;
#[path = "api/permissions.rs"]
mod permissions;
#[path = "api/preflight.rs"]
mod preflight;
#[path = "api/rules.rs"]
mod rules;
#[path = "api/verbs.rs"]
mod verbs;

use trimtab_e2e::environment::Kind;
use trimtab_e2e::{cases, suite};

fn main() -> std::process::ExitCode {
    let mut cases = cases![
        definitions::definitions_apply_plainly_again_and_again,
        definitions::explain_has_words_for_every_field_of_ours,
        definitions::columns_show_a_study_and_its_trials,
        definitions::studies_and_trials_are_selected_by_their_fields,
        definitions::unknown_fields_of_a_study_are_refused_and_of_its_pod_kept,
        rules::studies_are_held_to_their_rules,
        rules::trials_are_held_to_their_rules,
        permissions::operator_may_do_what_it_must_and_nothing_else,
        verbs::every_verb_is_needed,
        preflight::misspelt_field_of_the_pod_is_named_before_anything_runs,
        preflight::refused_study_is_accepted_once_what_refused_it_is_mended,
        preflight::objects_that_cannot_be_decoded_do_not_stop_the_others,
        leader::second_operator_takes_over_when_the_first_is_killed,
        preflight::two_operators_on_one_study_decide_once,
    ];
    cases.extend(trimtab_e2e::stories::cases(false));
    suite::run(Kind::Api, 4, cases)
}
