//! Studies on a real node: kubelet, containerd, the scheduler, and programs that train, or pretend to and misbehave.
//!
//! Each test has a namespace and an operator of its own on one cluster. `cargo test -p trimtab-e2e --test node NAME` runs some.

#[path = "node/crash.rs"]
mod crash;
#[path = "node/disruption.rs"]
mod disruption;
#[path = "node/example.rs"]
mod example;
#[path = "node/limits.rs"]
mod limits;
#[path = "node/misbehaviour.rs"]
mod misbehaviour;
#[path = "node/population.rs"]
mod population;
#[path = "node/schedulers.rs"]
mod schedulers;
#[path = "node/warm.rs"]
mod warm;

use trimtab_e2e::environment::Kind;
use trimtab_e2e::{cases, suite};

fn main() -> std::process::ExitCode {
    let mut cases = cases![
        crash::killed_at_twenty_moments_nothing_is_lost_doubled_or_counted_twice,
        crash::killed_in_a_row_of_one_it_decides_as_if_it_had_not_been,
        disruption::evicted_pod_is_tried_again_from_its_checkpoint,
        disruption::deleted_pod_is_tried_again_from_its_checkpoint,
        disruption::deleted_job_is_tried_again_from_its_checkpoint,
        disruption::deleted_trial_leaves_a_hole_that_nobody_fills,
        disruption::deleted_study_takes_everything_with_it,
        misbehaviour::failing_configurations_fail_alone_and_say_why,
        misbehaviour::nan_on_the_way_is_no_failure_of_a_trial_that_recovers,
        misbehaviour::trial_that_converges_early_is_complete_with_its_value,
        misbehaviour::trial_that_runs_on_is_ended_at_its_level,
        misbehaviour::hundred_megabytes_of_output_hide_no_value,
        misbehaviour::chatty_program_costs_the_cluster_few_writes,
        misbehaviour::checkpoint_that_is_ignored_is_noticed_and_charged,
        misbehaviour::deaf_program_is_killed_when_the_study_is_suspended,
        misbehaviour::image_that_cannot_be_pulled_fails_the_study_with_its_name,
        misbehaviour::missing_config_map_stalls_the_study_until_it_is_made,
        limits::trials_queue_for_gpus_at_no_cost,
        limits::study_that_no_node_has_room_for_is_stalled_and_says_so,
        limits::suspended_study_holds_no_pod_and_goes_on_from_its_checkpoints,
        limits::complete_study_goes_on_when_its_limits_are_raised,
        limits::target_ends_the_study_and_stops_what_runs,
        limits::promoted_trial_without_a_checkpoint_starts_again,
        limits::trials_run_through_and_losers_are_stopped_at_their_rung,
        limits::folders_of_ended_trials_are_removed_and_others_kept,
        example::example_trains_to_the_end_with_the_rungs_of_the_table,
        population::copies_go_on_with_their_donors_networks,
        schedulers::bohb_proposes_from_its_model_and_promotes_from_checkpoints,
        schedulers::asha_promotes_without_waiting_for_a_whole_rung,
        schedulers::the_median_rule_stops_trials_while_they_run,
        schedulers::folds_race_one_run_each,
        warm::study_goes_on_where_another_has_been,
        #[alone]
        disruption::kubelet_that_comes_back_costs_nothing,
        #[alone]
        disruption::followed_log_is_taken_up_again_after_the_kubelet,
    ];
    cases.extend(trimtab_e2e::stories::cases(true));
    suite::run(Kind::Node, 8, cases)
}
