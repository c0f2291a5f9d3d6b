/// What every public method of Uring.dll does with nonsense. null, an object that was disposed of, and numbers out of range are
/// refused with the BCL's exceptions and the parameter's name, and nothing of it reaches the ring.
module Uring.Tests.Linux.BadInputTests

open System
open System.Collections.Generic
open System.Reflection
open System.Threading
open System.Threading.Tasks
open Expecto
open Uring
open Uring.Tests.Linux.Observe
open Uring.Tests.Linux.EveryMethod

/// Every number is a good one: a word of memory, a time long past; or the kernel's to judge.
let private anyNumber =
    set [
        "UringFutex.WaitAsync.expected"
        "Ring.DelayUntilTimestampAsync.timestamp"
        "Ring.StartTimerUntilTimestamp.timestamp"
        "UringTimer.ChangeUntilTimestampAsync.timestamp"
        for owner in [ "UringSocket"; "UringListener" ] do
            for method in [ "GetRawSocketOptionAsync"; "SetRawSocketOptionAsync" ] do
                $"{owner}.{method}.level"
                $"{owner}.{method}.name"
        "ControlMessage..ctor.level"
        "ControlMessage..ctor.type"
    ]

/// There is nobody of that number: the kernel's to say.
let private mayBeNobody = set [ "UringProcess.Open.id"; "UringProcess.SignalGroup.group" ]

/// No path: nothing that the kernel sees.
let private anyText = set [ "LeaseLostEventArgs..ctor.description" ]

let private nullability = NullabilityInfoContext()

let private mayBeNull (parameter: ParameterInfo) =
    lock nullability (fun () -> nullability.Create(parameter).WriteState <> NullabilityState.NotNull)

let private names (parameter: ParameterInfo) (failure: exn | null) =
    match failure with
    | :? ArgumentException as reason -> reason.ParamName = parameter.Name
    | _ -> false

[<Tests>]
let tests =
    testList "Bad input" [
        testTask "null" {
            do!
                tryAll
                    (fun parameter ->
                        if parameter.ParameterType.IsValueType || mayBeNull parameter then [] else [ null ])
                    (fun parameter failure -> failure :? ArgumentNullException && names parameter failure)
        }
        testTask "no text, and text with a zero in it" {
            do!
                tryAll
                    (fun parameter ->
                        if parameter.ParameterType = typeof<string> then [ ""; "a\000b" ] else [])
                    (fun parameter failure -> anyText.Contains(fullName parameter) || names parameter failure)
        }
        testTask "a ring that was disposed of" {
            let ended = new Ring()
            do! ended.DisposeAsync()

            do!
                tryAll
                    (fun parameter -> if parameter.ParameterType = typeof<Ring> then [ ended ] else [])
                    (fun parameter failure ->
                        parameter.Member :? ConstructorInfo || failure :? ObjectDisposedException)
        }
        testTask "below the least" {
            do!
                tryAll
                    (fun parameter ->
                        match parameter.ParameterType with
                        | shape when shape = typeof<int> -> [ Int32.MinValue ]
                        | shape when shape = typeof<int64> -> [ Int64.MinValue ]
                        | shape when shape = typeof<TimeSpan> -> [ TimeSpan.MinValue ]
                        | _ -> [])
                    (fun parameter failure ->
                        anyNumber.Contains(fullName parameter) || names parameter failure)
        }
        // Some are lengths, offsets or bits of which any is good, and end with their token.
        testTask "above the most: refused, with its name, or taken" {
            do!
                tryAll
                    (fun parameter ->
                        match parameter.ParameterType with
                        | shape when shape = typeof<int> -> [ Int32.MaxValue ]
                        | shape when shape = typeof<int64> -> [ Int64.MaxValue ]
                        | shape when shape = typeof<uint32> -> [ UInt32.MaxValue ]
                        | shape when shape = typeof<uint64> -> [ UInt64.MaxValue ]
                        | shape when shape = typeof<TimeSpan> -> [ TimeSpan.MaxValue ]
                        | _ -> [])
                    (fun parameter failure ->
                        match failure with
                        | null
                        | :? OperationCanceledException -> true
                        | _ when mayBeNobody.Contains(fullName parameter) -> true
                        | reason -> names parameter reason)
        }
        testTask "values that an enumeration has not" {
            do!
                tryAll
                    (fun parameter ->
                        if parameter.ParameterType.IsEnum then
                            [ Enum.ToObject(parameter.ParameterType, 0x40404040) |> box ]
                        else
                            [])
                    names
        }
        testTask "after it was disposed of" {
            do!
                inFolder (fun folder ->
                    task {
                        let! bench = prepare folder CancellationToken.None
                        let wrong = List<string>()

                        for found in Seq.append bench.Objects.Values bench.Special.Values do
                            match found with
                            | :? Ring -> ()
                            | :? IAsyncDisposable as found -> do! found.DisposeAsync()
                            | _ -> ()

                        do! bench.Ring.DisposeAsync()

                        for method in methods |> List.filter (isOfTheStack >> not) do
                            if not (method.IsStatic || method.IsConstructor) then
                                let arguments: (obj | null) array =
                                    method.GetParameters() |> Array.map (fun one -> argument bench one)

                                let! failure = failureOf method (targetOf bench method) arguments
                                let isRelease = method.Name = "Dispose" || method.Name = "DisposeAsync"

                                match failure with
                                | :? ObjectDisposedException when not isRelease -> ()
                                | null when isRelease -> ()
                                | null -> wrong.Add $"{nameOf method}: nothing"
                                | reason ->
                                    wrong.Add $"{nameOf method}: {reason.GetType().Name}: {reason.Message}"

                        Expect.equal (List.ofSeq wrong) [] "each says so"
                    })
        }
    ]
