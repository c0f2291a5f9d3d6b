// Signals to this process as something to wait for, and the numbers that signals have.
namespace Uring.FSharp

open System
open System.Collections.Generic
open System.Runtime.InteropServices
open System.Threading
open System.Threading.Channels
open System.Threading.Tasks

/// The signals that were listened for and not told yet. As with signals themselves, one that comes several times before it
/// is told is told once. Dispose of it with `use`: then they do again what they did before.
[<Sealed>]
type SignalListener internal (signals: PosixSignal array) =
    let waiting = HashSet<PosixSignal>()
    let told = Channel.CreateUnbounded<PosixSignal>()

    let hear (context: PosixSignalContext) =
        context.Cancel <- true

        lock waiting (fun () ->
            if waiting.Add context.Signal then told.Writer.TryWrite context.Signal |> ignore)

    let registrations = List<PosixSignalRegistration>()

    let leave () =
        told.Writer.TryComplete() |> ignore

        for registration in registrations do
            registration.Dispose()

    do
        try
            for signal in signals do
                registrations.Add(PosixSignalRegistration.Create(signal, Action<_> hear))
        with _ ->
            leave ()
            reraise ()

    member internal _.Next(token: CancellationToken) : Task<PosixSignal> =
        task {
            try
                let! signal = told.Reader.ReadAsync token
                lock waiting (fun () -> waiting.Remove signal |> ignore)
                return signal
            with :? ChannelClosedException ->
                return raise (ObjectDisposedException(nameof SignalListener))
        }

    interface IDisposable with
        member _.Dispose() = leave ()

/// Signals to this process, by way of .NET's own handlers, which go on working for others.
///
/// While somebody listens for a signal, what it does otherwise is left out: SIGINT, SIGTERM, SIGQUIT and SIGHUP do not end
/// the process. Who sent a signal .NET does not tell: its handlers get no siginfo_t, and a signalfd(2), which would, needs the
/// signal blocked on all threads of the process, those of the runtime included. Any signal that has a number can be listened for by `enum<PosixSignal> number`, SIGUSR1 (10) say, but
/// SIGKILL and SIGSTOP, which nobody can, and faults such as SIGSEGV, which are the runtime's.
[<RequireQualifiedAccess>]
module Signals =

    // SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGCHLD, SIGCONT, SIGWINCH, SIGTTIN, SIGTTOU, SIGTSTP: -1 to -10 of PosixSignal.
    let private numbers = [| 1; 2; 3; 15; 17; 18; 28; 21; 22; 20 |]

    /// The system's number.
    let number (signal: PosixSignal) : int =
        match int signal with
        | named when named < 0 && -named <= numbers.Length -> numbers[-named - 1]
        | number when number > 0 && number <= 64 -> number
        | _ -> raise (ArgumentOutOfRangeException(nameof signal, "It is no signal."))

    // SIGKILL, SIGSTOP; SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV: .NET would take them and never tell.
    let private unheard = set [ 9; 19; 4; 5; 6; 7; 8; 11 ]

    /// Checked; each once.
    let internal listener (signals: PosixSignal array) : SignalListener =
        if signals.Length = 0 then
            raise (ArgumentException("There is nothing to listen for.", nameof signals))

        for signal in signals do
            if unheard.Contains(number signal) then
                raise (
                    ArgumentException("Nobody can listen for SIGKILL, SIGSTOP, or a fault.", nameof signals)
                )

        new SignalListener(Array.distinctBy number signals)

    /// Listens from now on: nothing is lost until the first wait.
    let listen (signals: PosixSignal seq) : Uring<SignalListener> =
        Program.ofScope (fun _ -> ValueTask<SignalListener>(listener (Array.ofSeq signals)))

    /// All signals, one after another: `for signal in signals do` in `uring { }`. Each is told once, to one consumer. It has no
    /// end of its own: break it off, cancel the program, or dispose of the listener (ObjectDisposedException).
    let all (listener: SignalListener) : Uring<UringStream<PosixSignal>> =
        UringStream.again (fun _ token -> listener.Next token)

    /// Waits for the next signal.
    let next (listener: SignalListener) : Uring<PosixSignal> =
        Program.ofScope (fun scope -> ValueTask<PosixSignal>(listener.Next scope.Token))
