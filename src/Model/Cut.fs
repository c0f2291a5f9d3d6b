// Decides what becomes of a chain of which the kernel has taken only a part: it can run out of memory in the middle of a
// batch, and a chain ends where the batch ends. Tested in CutLaws.fs; driven by Driver/Ring.fs. Source: man
// io_uring_linked_requests(7).
namespace Uring.Model

/// What is left of a cut chain. The part that was taken runs as a chain of its own; the rest must not run as if the part
/// had succeeded.
///
/// Laws
///  1. a chain is cut when the last submission that was taken is linked to the first that was not
///  2. what is left of the chain ends as cancelled, each step with its own user data
///  3. a time limit that came too late cancels what it should have bounded
///  4. what comes behind the chain is left alone
[<RequireQualifiedAccess>]
module Cut =

    let private isLinked (submission: Submission) =
        (submission.Flags &&& (SqeFlags.Link ||| SqeFlags.HardLink)) <> SqeFlags.None

    /// Ends with -ECANCELED. Before 6.10 a no-operation has no result of its own: a time limit without anything to bound,
    /// which ends with -EINVAL, has to do.
    let private refused injects (userData: UserData) =
        if injects then
            {
                Submission.nop () with
                    Length = uint32 (Errno.toResult Errno.ECANCELED)
                    OpFlags = OpFlags.InjectResult
            }
            |> Submission.tagged userData
        else
            { Submission.linkTimeout 0UL 0u with Length = 0u } |> Submission.tagged userData

    let private instead injects (before: Submission) (step: Submission) =
        match step.Opcode with
        | Opcode.LinkTimeout -> Submission.cancel before.UserData |> Submission.tagged step.UserData
        // An open set: every other step is a step.
        | _ -> refused injects step.UserData

    /// What to submit instead of `left`, which the kernel has not taken, after it has taken `taken` last. `injects`: this
    /// kernel's no-operations can have a result.
    let rec mend (injects: bool) (taken: Submission) (left: Submission list) : Submission list =
        match left with
        | step :: rest when isLinked taken -> instead injects taken step :: mend injects step rest
        | left -> left
