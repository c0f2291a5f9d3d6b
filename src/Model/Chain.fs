// Decides how steps are linked and what became of each. Knows nothing of what a step does.
// Tested in ChainLaws.fs; Api/Chains.fs submits them. Source: man io_uring_linked_requests(7).
namespace Uring.Model

/// What the next step waits for.
[<Struct; RequireQualifiedAccess>]
type Link =
    /// The success of this step: a failure cancels all the rest.
    | Soft
    /// The end of this step, whatever came of it.
    | Hard

/// Steps that the kernel runs one after another, as a value.
type Chain<'Step> = { Steps: struct ('Step * Link) list }

/// A step that may have a limit: another step, which bounds it in time.
[<Struct>]
type BoundedStep<'Step> = {
    Step: 'Step
    Limit: 'Step voption
    /// What the next step waits for.
    Link: Link
}

/// What became of one step.
[<Struct; RequireQualifiedAccess>]
type StepOutcome =
    /// It ran, with this result.
    | Ran of result: int
    /// It ran and failed.
    | Failed of errno: Errno
    /// It was cancelled: a step before it failed or came up short, or its time was over.
    | Cancelled

/// Laws
///  1. every step but the last is linked to its follower, the last to nothing
///  2. the outcome has one entry per step, in the order of the steps
///  3. appending keeps all steps and their order
///  4. a step is cancelled exactly when the kernel says so; every other error is its own
///  5. a limit stands right behind its step and is linked as that is, and has no outcome of its own
///  6. a step that its limit has ended failed with ETIME
[<RequireQualifiedAccess>]
module Chain =

    /// No steps.
    let empty<'Step> : Chain<'Step> = { Steps = [] }

    /// One step.
    let single step = { Steps = [ struct (step, Link.Soft) ] }

    /// The steps of the first, then those of the second.
    let append first second = { Steps = first.Steps @ second.Steps }

    /// The follower of the last step waits for its end, not for its success.
    let hardened chain = {
        Steps =
            match List.rev chain.Steps with
            | [] -> []
            | struct (step, _) :: earlier -> List.rev (struct (step, Link.Hard) :: earlier)
    }

    /// Number of steps.
    let length chain = List.length chain.Steps

    /// The flags for each step's SQE.
    let flags chain =
        let last = length chain - 1

        chain.Steps
        |> List.mapi (fun index struct (step, link) ->
            let flag =
                match link with
                | _ when index = last -> SqeFlags.None
                | Link.Soft -> SqeFlags.Link
                | Link.Hard -> SqeFlags.HardLink

            struct (step, flag))

    /// What became of each step, from the results in the order of the steps.
    let outcome (results: int list) =
        results
        |> List.map (fun result ->
            if not (Errno.isError result) then
                StepOutcome.Ran result
            else
                match Errno.ofResult result with
                | Errno.ECANCELED -> StepOutcome.Cancelled
                // An open set: every other errno is the step's own.
                | errno -> StepOutcome.Failed errno)

    /// The chain of steps with their limits.
    let ofBounded (steps: BoundedStep<'Step> list) = {
        Steps =
            steps
            |> List.collect (fun step ->
                match step.Limit with
                | ValueNone -> [ struct (step.Step, step.Link) ]
                | ValueSome limit -> [ struct (step.Step, step.Link); struct (limit, step.Link) ])
    }

    let private bounded outcome limit =
        match outcome, limit with
        | StepOutcome.Cancelled, StepOutcome.Failed Errno.ETIME -> StepOutcome.Failed Errno.ETIME
        // An open set: the step has ended before its limit.
        | _ -> outcome

    /// What became of each step of `ofBounded`, from the outcomes of the chain.
    let rec ofLimits (steps: BoundedStep<'Step> list) (outcomes: StepOutcome list) =
        match steps, outcomes with
        | { Limit = ValueSome _ } :: steps, outcome :: limit :: outcomes ->
            bounded outcome limit :: ofLimits steps outcomes
        | _ :: steps, outcome :: outcomes -> outcome :: ofLimits steps outcomes
        | _ -> []
