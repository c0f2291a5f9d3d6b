// Runs the suite of the facade on the simulated machine.
module Uring.Tests.Live.Main

open System
open Expecto
open Uring.Tests.Machine

/// What means nothing here, by a part of its name, and why: it is counted as ignored.
let private leftOut =
    let allocates = "the simulated kernel allocates, on the thread of its caller, and keeps a trace"
    let exec = "nothing is executed on the simulated machine: no flag says what is closed then"
    let control = "ancillary data is not simulated"

    let hints = "the simulated kernel has no threads that could stay on a processor, and signals nobody"

    [
        "stay on their processors", hints
        "stays on its processor", hints
        "is signalled when completions come", hints
        "another user's rights", "there is one user on the simulated machine"
        ".credentials decide.", "there is one user on the simulated machine"
        "takes other sizes", "rings of the simulated kernel keep their sizes"
        "from its own thread as well, between two", "rings of the simulated kernel keep their sizes"
        "restrictions can allow more", "rings of the simulated kernel keep their sizes"
        "ring that polls devices refuses", "IOPOLL is not simulated"
        "what the model accepts the kernel takes", "IOPOLL is not simulated"
        "takes no call", "the simulated submitting thread is always asleep"
        "allocate nothing", allocates
        "allocates nothing", allocates
        "allocates nothing per read", allocates
        "allocate no more than one", allocates
        "nothing survives", allocates
        "closed on exec", exec
        ".storm.", "a signal does not interrupt what is no system call"
        ".a ring that fails.",
        "a ring that fails is closed with what it has in flight, which is a rule that is broken"
        "(IP_PKTINFO)", control
        "without room is told of", control
        "(SCM_CREDENTIALS)", control
        "(SCM_RIGHTS)", control
        "(SO_TIMESTAMPING)", control
        "of more than 4 GiB",
        "the simulated kernel keeps in memory what a file holds, and gathers a vector in it"
        "packets: what is written", "pipes of packets are not simulated"
        "each by itself, and it ends", "SOCK_SEQPACKET is not simulated"
        "records of a SOCK_SEQPACKET", "SOCK_SEQPACKET is not simulated"
        "(MSG_OOB)", "urgent data is not simulated"
        "(MSG_MORE)", "a datagram in parts is not simulated"
        ".RenameAt: EXDEV", "there is one file system on the simulated machine"
        ".LinkAt: EXDEV", "there is one file system on the simulated machine"
        ".Bind: EADDRINUSE", "names of Unix sockets are no files on the simulated machine"
        ".refusals.EpollControl", "there is no epoll on the simulated machine"
        ".refusals.EpollWait", "there is no epoll on the simulated machine"
        ".refusals.WaitId", "there are no processes on the simulated machine"
        "with the scope of an IPv6 address", "the simulated machine has no address of a link"
        "of more than a number", "socket options are remembered, and not understood"
        "are refused with the BCL's code", "socket options are remembered, and not understood"
    ]

/// The same tests, without what is left out.
let rec private consider (name: string) (test: Test) : Test =
    match test with
    | TestLabel(label, inner, state) -> TestLabel(label, consider $"{name}.{label}" inner, state)
    | TestList(tests, state) -> TestList(List.map (consider name) tests, state)
    | Test.Sequenced(order, inner) -> Test.Sequenced(order, consider name inner)
    | TestCase(code, state) ->
        match leftOut |> List.tryFind (fun (part, _) -> name.Contains(part, StringComparison.Ordinal)) with
        | None -> TestCase(code, state)
        | Some(_, reason) ->
            Console.Out.WriteLine $"left out: {name.Substring 1}: {reason}"
            TestCase(code, FocusState.Pending)

[<EntryPoint>]
let main arguments =
    OneMachine.start ()
    Console.Out.WriteLine "left out: Process: there are no processes on the simulated machine, and no WAITID"

    Console.Out.WriteLine
        "left out: Epoll: there is no epoll on the simulated machine, and no EPOLL_CTL or EPOLL_WAIT"

    Console.Out.WriteLine
        "left out: Watch, Signals: the simulated machine has no inotify and no signals; the table of watches is tested by its laws"

    Console.Out.WriteLine "left out: StandardStream: the simulated machine has no standard streams"
    Console.Out.WriteLine "left out: Run: there are no programs to run on the simulated machine"

    Console.Out.WriteLine
        "left out: SocketOption: options of sockets are remembered there, and not understood as the BCL understands them"

    Console.Out.WriteLine
        "left out: PoolFailure, GuardedPool: they need processes that die or have other limits, and memory that the processor guards"

    Console.Out.WriteLine
        "left out: Traffic, Divergence: they look for what the real kernel does to a pool; tests/Simulation and the laws do it there"

    Console.Out.WriteLine
        "left out: FileLimit, DiskError, DiskCancel, SocketError: nothing is mounted on the simulated machine, it has no child processes, and its sockets run out of nothing"

    Console.Out.WriteLine
        "left out: InjectedError: it works on the real kernel's NOPs; what fails there by chance is a matter of tests/Simulation"

    Console.Out.WriteLine
        "left out: Handles: the handles of the BCL are the real system's; SocketMaking has numbers"

    Console.Out.WriteLine "left out: FileStatus: there is no stat(1) to compare with"

    let tests =
        match Impl.testFromThisAssembly () with
        | None -> testList "nothing" []
        | Some tests -> consider "" tests

    let result = runTestsWithCLIArgs [] arguments tests

    match OneMachine.violations () with
    | [] -> result
    | violations ->
        for violation in violations do
            Console.Error.WriteLine $"rule broken: {violation}"

        1
