/// More nonsense for everything public of Uring.dll: arguments that were disposed of, empty lists, lists with nothing in them,
/// structs that nobody has made, properties set to what they cannot be.
module Uring.Tests.Linux.BadValueTests

open System
open System.Collections.Generic
open System.Reflection
open System.Runtime.InteropServices
open System.Threading
open System.Threading.Tasks
open Expecto
open Uring
open Uring.Tests.Linux.EveryMethod

let private isNamed (parameter: ParameterInfo) (failure: exn | null) =
    match failure with
    | :? ArgumentException as reason -> reason.ParamName = parameter.Name
    | _ -> false

let private isList (parameter: ParameterInfo) =
    let shape = parameter.ParameterType
    shape.IsGenericType && shape.GetGenericTypeDefinition() = typedefof<IReadOnlyList<_>>

let private arrayOf (parameter: ParameterInfo) count : obj =
    Array.CreateInstance(parameter.ParameterType.GetGenericArguments()[0], (count: int))

/// Buffers: nothing is transferred then, or a message with nothing in it.
let private mayBeEmpty (parameter: ParameterInfo) = parameter.Name = "buffers"

/// -1 is a processor, too: any. So is what the kernel cannot have.
let private anyNumber = set [ "IncomingCpu" ]

/// Disposes of each thing that has it, the ring last.
let private closeAll (bench: Bench) : Task<unit> =
    task {
        for found in Seq.append bench.Objects.Values bench.Special.Values do
            match found with
            | :? Ring -> ()
            | :? IAsyncDisposable as found -> do! found.DisposeAsync()
            | _ -> ()

        do! bench.Ring.DisposeAsync()
    }

let private members = BindingFlags.Public ||| BindingFlags.Instance ||| BindingFlags.DeclaredOnly

/// What is public and a struct.
let private structs =
    typeof<Ring>.Assembly.GetExportedTypes()
    |> Array.filter (fun shape -> shape.IsValueType && not shape.IsEnum)

/// What reading a property, or calling a method without arguments, raises.
let private failureOfReading (target: obj) (found: MemberInfo) : exn | null =
    try
        match found with
        | :? PropertyInfo as property when property.GetIndexParameters().Length = 0 ->
            // A span cannot be a result of reflection.
            if not property.PropertyType.IsByRefLike then property.GetValue target |> ignore
        | :? MethodInfo as method when method.GetParameters().Length = 0 && not method.IsGenericMethod ->
            if not method.ReturnType.IsByRefLike then method.Invoke(target, [||]) |> ignore
        | _ -> ()

        null
    with
    | :? TargetInvocationException as wrapped when not (isNull wrapped.InnerException) ->
        wrapped.InnerException
    | reason -> reason

/// What is set on an object of each type, and cannot be.
let private setters (bench: Bench) : (obj * PropertyInfo) list = [
    for target in bench.Objects.Values do
        for property in target.GetType().GetProperties members do
            if property.CanWrite && (nonNull property.SetMethod).IsPublic then target, property
]

let private failureOfSetting (target: obj) (property: PropertyInfo) (value: obj | null) : exn | null =
    try
        property.SetValue(target, value)
        null
    with
    | :? TargetInvocationException as wrapped when not (isNull wrapped.InnerException) ->
        wrapped.InnerException
    | reason -> reason

[<Tests>]
let tests =
    testList "Bad values" [
        testTask "an argument that was disposed of" {
            do!
                Observe.inFolder (fun folder ->
                    task {
                        let! gone = prepare folder CancellationToken.None
                        do! closeAll gone

                        let closed (parameter: ParameterInfo) : (obj | null) list =
                            match gone.Objects.TryGetValue parameter.ParameterType with
                            | true, found when (found :? IAsyncDisposable || found :? IDisposable) -> [
                                found
                              ]
                            | _ -> []

                        do!
                            tryAll closed (fun parameter failure ->
                                parameter.Member :? ConstructorInfo || failure :? ObjectDisposedException)
                    })
        }
        testTask "a handle that was closed" {
            let handle = new Microsoft.Win32.SafeHandles.SafeFileHandle(-1n, true)
            handle.Dispose()

            do!
                tryAll
                    (fun parameter -> if parameter.ParameterType = typeof<SafeHandle> then [ handle ] else [])
                    (fun parameter failure ->
                        parameter.Member :? ConstructorInfo || failure :? ObjectDisposedException)
        }
        testTask "a list with nothing in it" {
            do!
                tryAll
                    (fun parameter -> if isList parameter then [ arrayOf parameter 0 ] else [])
                    (fun parameter failure -> mayBeEmpty parameter || isNamed parameter failure)
        }
        testTask "a list with null in it" {
            do!
                tryAll
                    (fun parameter ->
                        if
                            isList parameter
                            && not (parameter.ParameterType.GetGenericArguments()[0]).IsValueType
                        then
                            [ arrayOf parameter 1 ]
                        else
                            [])
                    isNamed
        }
        testCase "structs that nobody has made can be looked at" (fun () ->
            let wrong = List<string>()

            for shape in structs do
                let target = nonNull (Activator.CreateInstance shape)

                for found in shape.GetMembers members do
                    match failureOfReading target found with
                    | null -> ()
                    // It is nobody's.
                    | :? ObjectDisposedException
                    | :? InvalidOperationException -> ()
                    | reason -> wrong.Add $"{shape.Name}.{found.Name}: {reason.GetType().Name}"

            Expect.equal (List.ofSeq wrong) [] "no other exception")
        testTask "what a property cannot be" {
            do!
                Observe.inFolder (fun folder ->
                    task {
                        let! bench = prepare folder CancellationToken.None
                        let wrong = List<string>()

                        for target, property in setters bench do
                            let values: (obj | null) list =
                                match property.PropertyType with
                                | shape when shape = typeof<int> -> [ Int32.MinValue ]
                                | shape when shape = typeof<TimeSpan> -> [
                                    TimeSpan.MinValue
                                    TimeSpan.MaxValue
                                  ]
                                | shape when shape.IsEnum -> [ Enum.ToObject(shape, 0x40404040) ]
                                | shape when not shape.IsValueType -> [ null ]
                                | _ -> []

                            for value in values do
                                match failureOfSetting target property value with
                                | :? ArgumentException
                                // The kernel's to judge.
                                | :? Net.Sockets.SocketException -> ()
                                | null when anyNumber.Contains property.Name -> ()
                                | null -> wrong.Add $"{property.Name} = {value}: nothing"
                                | reason -> wrong.Add $"{property.Name} = {value}: {reason.GetType().Name}"

                        do! closeAll bench
                        Expect.equal (List.ofSeq wrong) [] "refused"
                    })
        }
        testTask "properties of what was disposed of" {
            do!
                Observe.inFolder (fun folder ->
                    task {
                        let! bench = prepare folder CancellationToken.None
                        let all = setters bench
                        do! closeAll bench

                        let wrong = [
                            for target, property in all do
                                let value =
                                    if property.PropertyType.IsValueType then
                                        Activator.CreateInstance property.PropertyType
                                    else
                                        null

                                match failureOfSetting target property value with
                                | :? ObjectDisposedException -> ()
                                | :? ArgumentException when isNull value -> ()
                                | null -> $"{property.Name}: nothing"
                                | reason -> $"{property.Name}: {reason.GetType().Name}"
                        ]

                        Expect.equal wrong [] "each says so"
                        Expect.isNonEmpty all "setters"
                    })
        }
    ]
